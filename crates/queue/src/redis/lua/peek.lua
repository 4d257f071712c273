-- Whether anything is due, and how many suspects of each sort there are.
promote()
return {
    redis.call('ZCARD', P .. 'priorities'),
    redis.call('LLEN', P .. 's1'),
    redis.call('LLEN', P .. 's2'),
}
