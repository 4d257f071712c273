-- Forgets all that is under the prefix ARGV[1], and begins the epoch that ARGV[2] and the run id of this process make.
local P = ARGV[1]
for _, lease in ipairs(redis.call('SMEMBERS', P .. 'leases')) do
    redis.call('UNLINK', P .. 'lease:' .. lease)
end
for _, priority in ipairs(redis.call('ZRANGE', P .. 'priorities', 0, -1)) do
    redis.call('UNLINK', P .. 'ready:' .. priority)
end
for _, name in ipairs({ 'leases', 'priorities', 'delayed', 's1', 's2', 'headers', 'left' }) do
    redis.call('UNLINK', P .. name)
end
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local epoch = ARGV[2] .. '@' .. run_id
redis.call('SET', P .. 'epoch', epoch)
return epoch
