-- Notes what messages have shown lately: where some were accepted, and a conversation that met a trouble.
--
-- KEYS[1] the last success by name  KEYS[2] the findings of one trouble: conversations, by time
-- ARGV[1] the conversation that met the trouble, or ''  ARGV[2] for how long findings count, in ms  ARGV[3] the most findings that are kept
-- ARGV[4] ms since this message met the trouble before, or ''  ARGV[5] a name: if a message was accepted there since, this finding is only
-- about the message itself  ARGV[6]… pairs of a name and how long ago a message was accepted there, in ms
--
-- Returns { now, the last successes as names and times, the findings as conversations and times, '1' if the finding was noted }.

local SUCCESSES_KEPT_MS, MOST_SUCCESSES, IN_USE_MS = 3600000, 1000, 60000
local now, windowMs = redisNowMs(), tonumber(ARGV[2])

local function lastSuccess(name)
  local at = tonumber(redis.call('HGET', KEYS[1], name) or 0)
  -- A time of the future was noted before Redis's clock stepped back.
  return at <= now and at or 0
end

for i = 6, #ARGV, 2 do
  local at = now - tonumber(ARGV[i + 1])
  if at > lastSuccess(ARGV[i]) then redis.call('HSET', KEYS[1], ARGV[i], string.format('%d', at)) end
end
if #ARGV > 5 then
  redis.call('PEXPIRE', KEYS[1], SUCCESSES_KEPT_MS)
  if redis.call('HLEN', KEYS[1]) > MOST_SUCCESSES then
    local names = redis.call('HGETALL', KEYS[1])
    for i = 1, #names, 2 do
      if tonumber(names[i + 1]) < now - IN_USE_MS then redis.call('HDEL', KEYS[1], names[i]) end
    end
  end
end

if ARGV[1] == '' then return { now, {}, {}, '0' } end
local metBefore = tonumber(ARGV[4])
if metBefore and lastSuccess(ARGV[5]) >= now - metBefore then return { now, redis.call('HGETALL', KEYS[1]), {}, '0' } end

redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - windowMs)
redis.call('ZREMRANGEBYSCORE', KEYS[2], now + 1, '+inf')
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -tonumber(ARGV[3]) - 1)
redis.call('PEXPIRE', KEYS[2], windowMs)
return { now, redis.call('HGETALL', KEYS[1]), redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES'), '1' }
