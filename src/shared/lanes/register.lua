-- Notes a worker process of this shard, forgets those that fell silent, and writes what all of them can send at once.
--
-- KEYS[1] the hash of workers
-- ARGV[1] root  ARGV[2] worker id  ARGV[3] its record as JSON, or '' to leave  ARGV[4] silence in ms after which a worker
-- is forgotten  ARGV[5] the operator's fixed window per page, 0 for a fair share
-- ARGV[6] ms between two sends of a page, or ''  ARGV[7] how many of them may come at once  ARGV[8], ARGV[9] the same of the
-- fleet
--
-- A record is {"concurrency": …, "seenAt": …} and whatever status shows; `seenAt` is set here. Returns nothing.

local root = ARGV[1]
local now = redisNowMs()

-- What waits for a slot of an old limit asks again under the new one, the first slot first.
local function forgetSlots()
  local send = root .. 'send:'
  redis.call('DEL', root .. 'left', root .. 'turns')
  for _, page in ipairs(redis.call('SMEMBERS', root .. 'pages')) do
    redis.call('DEL', root .. 'rate:' .. page, root .. 'sent:' .. page, root .. 'left:' .. page, root .. 'turns:' .. page)
    for _, id in ipairs(redis.call('ZREVRANGE', root .. 'slots:' .. page, 0, -1)) do
      redis.call('HDEL', send .. id, 'next', 'pageSlot', 'fleetSlot')
      if redis.call('ZREM', send .. 'delayed', id) == 1 then redis.call('RPUSH', send .. 'wait', id) end
    end
    redis.call('DEL', root .. 'slots:' .. page)
  end
  redis.call('ZADD', send .. 'marker', 0, '0')
end

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

local fields = { 'pageIntervalMs', 'pageBurst', 'intervalMs', 'burst' }
local before = redis.call('HMGET', root .. 'fleet', unpack(fields))
local changed = false
for i, field in ipairs(fields) do
  local value = ARGV[5 + i]
  if (before[i] or '') ~= value then
    changed = true
    if value == '' then redis.call('HDEL', root .. 'fleet', field) else redis.call('HSET', root .. 'fleet', field, value) end
  end
end
if changed then forgetSlots() end
