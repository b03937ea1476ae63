-- What the scripts share that end a reservation: its counters with a cost in its place.
local call, pack, read = redis.call, struct.pack, struct.unpack
local BILLION, MAX_HIGH, MAX_LOW = 1000000000, 9223372036, 854775807
local COUNTER, SIZE, SINCE, COUNTERS = '<dIdIIII', 36, 24, 69
local OPEN, CHARGED, SETTLED = 111, 99, 115
local STRICT, FIT = 48, 49

-- Return keys and new values, in turn, of the counters that still count the window in which the
-- reservation was made: without what it holds if it is open, without what it was charged if it was,
-- and with the cost. What is spent stops at the largest amount that there is. Second: where the part
-- of the reservation begins that its client wrote.
local function finished(record, cost)
  local state, admission, n = read('<BBH', record)
  local put, m = {}, 0
  if n == 0 then return put, COUNTERS end
  local parts = COUNTERS + SIZE * n
  local takes = admission == FIT and parts
  if takes then parts = parts + 16 * n end
  local lengths = {read('<' .. ('H'):rep(n), record, parts + n)}
  local keys, at = {}, parts + 3 * n
  for i = 1, n do
    keys[i] = record:sub(at, at + lengths[i] - 1)
    at = at + lengths[i]
  end
  local counters = call('MGET', unpack(keys))
  local estimate = {read('<dddddd', record, 21)}
  for i = 1, n do
    if counters[i] then
      local sh, sl, rh, rl, since, ends, definition = read(COUNTER, counters[i])
      if since == read('<I', record, COUNTERS + SIZE * (i - 1) + SINCE) then
        local part = record:byte(parts + i - 1)
        if state == CHARGED then
          sh, sl = sh - estimate[part], sl - estimate[part + 1]
          if sl < 0 then sh, sl = sh - 1, sl + BILLION end
          if sh < 0 then sh, sl = 0, 0 end
        elseif state == OPEN then
          local high, low = 0, 0
          if takes then
            high, low = read('<dd', record, takes + 16 * (i - 1))
          elseif admission == STRICT then
            high, low = estimate[part], estimate[part + 1]
          end
          rh, rl = rh - high, rl - low
          if rl < 0 then rh, rl = rh - 1, rl + BILLION end
        end
        sh, sl = sh + cost[part], sl + cost[part + 1]
        if sl >= BILLION then sh, sl = sh + 1, sl - BILLION end
        if sh > MAX_HIGH or (sh == MAX_HIGH and sl > MAX_LOW) then sh, sl = MAX_HIGH, MAX_LOW end
        put[m + 1], put[m + 2] = keys[i], pack(COUNTER, sh, sl, rh, rl, since, ends, definition)
        m = m + 2
      end
    end
  end
  return put, at
end

