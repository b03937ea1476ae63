-- Put the estimate of a call on all of its limits or on none, in one step.
--
-- KEYS: the queue of open reservations, the index of windows that end, the reservation, and the
-- counter of each limit.
-- ARGV: now in seconds, the admission, how the reservation begins, units and lengths of names, the
-- limits, what the client wants to read again, and the entry of the queue.
-- Returns the counters as they are now, one after the other; or 0 and the counters, where it is
-- reserved already; or the number of the first limit that refuses, and its counter.
--
-- Lua counts in doubles, exact up to 2^53 only: an amount is billions and what is below them, and
-- both, and each sum and difference of a few of them, are exact.
local call, pack, read = redis.call, struct.pack, struct.unpack
local BILLION, COUNTER, NO_COUNTER = 1000000000, '<dIdIIII', ('\0'):rep(36)
local OPEN = 111
local FIT, AFTER, BOOK = '1', '2', '3'

local now, admission, head, limits = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[5]
local n = #KEYS - 3
local values = call('MGET', unpack(KEYS, 3))
if values[1] then
  if values[1]:byte() == OPEN or admission == BOOK then
    for i = 2, n + 1 do values[i] = values[i] or NO_COUNTER end
    return {0, table.concat(values, '', 2)}
  end
  local made, before = read('<d', head, 5), read('<d', values[1], 5)
  if made <= before then -- the same id after its end is another call, made later
    head = head:sub(1, 4) .. pack('<d', before + 1) .. head:sub(13)
  end
end

local estimate = {read('<dddddd', head, 21)}
local put, counters, held, begun, at = {}, {}, nil, nil, 1
for i = 1, n do
  local hard_high, hard_low, part, ends, definition
  hard_high, hard_low, part, ends, definition, at = read('<ddddd', limits, at)
  local spent_high, spent_low, high, low, since, is_new = 0, 0, 0, 0, now, true
  local value = values[i + 1]
  if value then
    local sh, sl, rh, rl, begin, last, known = read(COUNTER, value)
    if last == 0 or now < last then
      spent_high, spent_low, high, low, since = sh, sl, rh, rl, begin
      if known == definition then ends, is_new = last, false end
    end
  end
  local take_high, take_low = 0, 0
  if admission == AFTER then
    if spent_high > hard_high or (spent_high == hard_high and spent_low >= hard_low) then
      return {i, pack(COUNTER, spent_high, spent_low, high, low, since, ends, definition)}
    end
  elseif admission ~= BOOK then
    take_high, take_low = estimate[part], estimate[part + 1]
    local left_high, left_low = hard_high - spent_high - high, hard_low - spent_low - low
    while left_low < 0 do left_high, left_low = left_high - 1, left_low + BILLION end
    local none_left = left_high < 0 or (left_high == 0 and left_low == 0)
    if none_left or left_high < take_high or (left_high == take_high and left_low < take_low) then
      if none_left or admission ~= FIT then
        return {i, pack(COUNTER, spent_high, spent_low, high, low, since, ends, definition)}
      end
      take_high, take_low = left_high, left_low
    end
    high, low = high + take_high, low + take_low
    if low >= BILLION then high, low = high + 1, low - BILLION end
  end
  local key = KEYS[i + 3]
  local counter = pack(COUNTER, spent_high, spent_low, high, low, since, ends, definition)
  put[2 * i - 1], put[2 * i], counters[i] = key, counter, counter
  if admission == FIT then
    held = held or {}
    held[i] = pack('<dd', take_high, take_low)
  end
  if is_new and ends > 0 then
    begun = begun or {}
    begun[#begun + 1], begun[#begun + 2] = ends, key
  end
end

local after = table.concat(counters)
local takes = held and table.concat(held) or ''
local record = head .. after .. takes .. ARGV[4] .. table.concat(KEYS, '', 4) .. ARGV[6]
put[2 * n + 1], put[2 * n + 2] = KEYS[3], record
call('MSET', unpack(put))
call('RPUSH', KEYS[1], ARGV[7])
if begun then call('ZADD', KEYS[2], unpack(begun)) end
return after
