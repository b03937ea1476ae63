-- Put the cost in the place of a reservation, once, and the record of the call into the stream.
--
-- KEYS: the reservation, the stream. ARGV: the cost, what the record says of the end, and 1 where
-- the cost is the estimate because nobody knows more: an open reservation then ends as if it were
-- overdue, and one whose estimate is charged stays as it is.
-- Returns 0 settled, 1 settled before, 2 unknown.
local record = call('GET', KEYS[1])
if not record then return 2 end
local state, unknown = record:byte(), ARGV[3] == '1'
if state == SETTLED or (state == CHARGED and unknown) then return 1 end
local put, memo = finished(record, {read('<dddddd', ARGV[1])})
local kept
if state == OPEN and unknown then
  kept = 'c' .. record:sub(2)
else
  kept = 's' .. record:sub(2, 2) .. '\0\0' .. record:sub(5, COUNTERS - 1) .. record:sub(memo)
end
put[#put + 1], put[#put + 2] = KEYS[1], kept
call('MSET', unpack(put))
call('XADD', KEYS[2], '*', 'call', record, 'end', ARGV[2])
return 0
