-- ARGV: lease, most, how many bulky ones among them, the priority from which on a job is bulky. Takes what is due, most
-- urgent first.
promote()
local lease, most, bulky, bulky_from = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local records = {}
while #records < most do
    local priority = redis.call('ZRANGE', P .. 'priorities', 0, 0)[1]
    if not priority then break end
    local list = P .. 'ready:' .. priority
    local is_bulky = tonumber(priority) >= bulky_from
    local room = most - #records
    if is_bulky then room = math.min(room, bulky) end
    if room <= 0 then break end
    local popped = redis.call('LPOP', list, room)
    if popped then
        for _, record in ipairs(popped) do records[#records + 1] = record end
        if is_bulky then bulky = bulky - #popped end
    end
    if redis.call('EXISTS', list) == 0 then
        redis.call('ZREM', P .. 'priorities', priority)
    end
end
hold(lease, records)
return { records, headers(records) }
