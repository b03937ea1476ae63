-- End what nobody settled in time, forget what ended long ago; a bounded piece of it.
--
-- KEYS: the queue of open reservations, the queue of those to forget, the index of windows that
-- end, the stream.
-- ARGV: now in milliseconds, how many of each to look at, 1 to charge the estimate, how long to
-- remember in milliseconds, what the record says of the end, which windows are long past (seconds).
-- Returns how many of the most it looked at: as many as it may means that there may be more.
--
-- A queue holds the moment and the key: an id that was used again stands in it twice, and only the
-- entry of its present reservation counts. The keys come from the queues, which are in its slot.
local NOTHING = {0, 0, 0, 0, 0, 0}
local now, many = tonumber(ARGV[1]), tonumber(ARGV[2])
local forget = string.format('%.0f', now + ARGV[4])

local function due(queue)
  local moments, keys = {}, {}
  for i, entry in ipairs(call('LRANGE', queue, 0, many - 1)) do
    local moment, key = entry:match('^(%d+)(.*)$')
    if tonumber(moment) > now then break end
    moments[i], keys[i] = moment, key
  end
  return #keys, moments, keys
end

local n, moments, keys = due(KEYS[1])
if n > 0 then
  local records, later = call('MGET', unpack(keys)), {}
  for i = 1, n do
    local record = records[i]
    if record and read('<d', record, 13) == tonumber(moments[i]) then
      if record:byte() == OPEN then
        local cost, state = NOTHING, 'l'
        if ARGV[3] == '1' then cost, state = {read('<dddddd', record, 21)}, 'c' end
        local put = finished(record, cost)
        put[#put + 1], put[#put + 2] = keys[i], state .. record:sub(2)
        call('MSET', unpack(put))
        call('XADD', KEYS[4], '*', 'call', record, 'end', ARGV[5])
      end
      later[#later + 1] = forget .. keys[i]
    end
  end
  call('LTRIM', KEYS[1], n, -1)
  if #later > 0 then call('RPUSH', KEYS[2], unpack(later)) end
end

local m, last, old = due(KEYS[2])
if m > 0 then
  local records, gone = call('MGET', unpack(old)), {}
  for i = 1, m do
    local record = records[i]
    if record and record:byte() ~= OPEN and read('<d', record, 13) < tonumber(last[i]) then
      gone[#gone + 1] = old[i]
    end
  end
  call('LTRIM', KEYS[2], m, -1)
  if #gone > 0 then call('UNLINK', unpack(gone)) end
end

local ended = call('ZRANGEBYSCORE', KEYS[3], '-inf', ARGV[6], 'LIMIT', 0, many)
if #ended > 0 then
  local counters, gone, running = call('MGET', unpack(ended)), {}, {}
  for i, key in ipairs(ended) do
    local ends = counters[i] and select(6, read(COUNTER, counters[i]))
    if ends and ends > tonumber(ARGV[6]) then
      running[#running + 1], running[#running + 2] = ends, key
    elseif ends ~= 0 then
      gone[#gone + 1] = key
    end
  end
  call('ZREM', KEYS[3], unpack(ended))
  if #running > 0 then call('ZADD', KEYS[3], unpack(running)) end
  if #gone > 0 then call('UNLINK', unpack(gone)) end
end
return math.max(n, m, #ended)
