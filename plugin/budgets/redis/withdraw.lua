-- Take an open reservation back as if it had never been made. KEYS: the reservation.
local record = call('GET', KEYS[1])
if not record or record:byte() ~= OPEN then return 0 end
local put = finished(record, {0, 0, 0, 0, 0, 0})
if #put > 0 then call('MSET', unpack(put)) end
call('UNLINK', KEYS[1])
return 1
