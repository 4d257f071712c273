-- ARGV: lease, most. Takes what is due, most urgent first.
promote()
local lease, most = ARGV[3], tonumber(ARGV[4])
local records = {}
while #records < most do
    local priority = redis.call('ZRANGE', P .. 'priorities', 0, 0)[1]
    if not priority then break end
    local list = P .. 'ready:' .. priority
    local popped = redis.call('LPOP', list, most - #records)
    if popped then
        for _, record in ipairs(popped) do records[#records + 1] = record end
    end
    if redis.call('EXISTS', list) == 0 then
        redis.call('ZREM', P .. 'priorities', priority)
    end
end
hold(lease, records)
return { records, headers(records) }
