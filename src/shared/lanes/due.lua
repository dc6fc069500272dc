-- Lets messages whose time has come take their place at the end of their conversations.
--
-- KEYS[1] the scheduled messages by their time
-- ARGV[1] root  ARGV[2] at most so many
--
-- Returns how many there were.

local root = ARGV[1]
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', redisNowMs(), 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  redis.call('ZREM', KEYS[1], id)
  local lane = redis.call('HGET', root .. 'send:' .. id, 'lane')
  if lane then joinLane(root, lane, id) end
end
return #ids
