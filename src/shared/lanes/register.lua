-- Notes a worker process of this shard, forgets those that fell silent, and writes what all of them can send at once.
--
-- KEYS[1] the hash of workers
-- ARGV[1] root  ARGV[2] worker id  ARGV[3] its record as JSON, or '' to leave  ARGV[4] silence in ms after which a worker
-- is forgotten  ARGV[5] the operator's fixed window per page, 0 for a fair share
--
-- A record is {"concurrency": …, "seenAt": …} and whatever status shows; `seenAt` is set here. Returns nothing.

local root = ARGV[1]
local now = redisNowMs()

if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[2])
else
  local record = cjson.decode(ARGV[3])
  record.seenAt = now
  redis.call('HSET', KEYS[1], ARGV[2], cjson.encode(record))
end

local concurrency = 0
local workers = redis.call('HGETALL', KEYS[1])
for i = 1, #workers, 2 do
  local record = cjson.decode(workers[i + 1])
  if now - record.seenAt > tonumber(ARGV[4]) then
    redis.call('HDEL', KEYS[1], workers[i])
  else
    concurrency = concurrency + record.concurrency
  end
end
-- The last worker's concurrency stays while none is there, so that a backlog is released as before.
if concurrency > 0 then redis.call('HSET', root .. 'fleet', 'concurrency', concurrency) end
redis.call('HSET', root .. 'fleet', 'window', ARGV[5])
