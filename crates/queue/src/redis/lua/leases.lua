-- The leases that hold anything here.
return redis.call('SMEMBERS', P .. 'leases')
