-- fleet/tell-evidence
--
-- Notes what messages have shown lately: where some were accepted, and a conversation that met a trouble.
--
-- KEYS[1] the last successes of the API and of keys, by time  KEYS[2] those of pages
-- KEYS[3] the findings of one trouble: conversations, by time  KEYS[4] the absent key
-- ARGV[1] the conversation that met the trouble, or ''  ARGV[2] for how long findings count, in ms  ARGV[3] the most findings that are kept
-- ARGV[4] the name of its page  ARGV[5] the name of its key  ARGV[6] ms since this message met the trouble before, or ''  ARGV[7] a name:
-- if a message was accepted there since, this finding is only about the message itself
-- ARGV[8]… pairs of a name and how long ago a message was accepted there, in ms
--
-- Returns { now, last successes as names and times (of the API, of this page and key, and of those that are in use), the findings as
-- conversations and times, '1' if the finding was noted }.

local KEPT_MS, MOST_NAMES = 3600000, 10000
local now, windowMs = redisNowMs(), tonumber(ARGV[2])

local function setOf(name) return string.sub(name, 1, 5) == 'page:' and KEYS[2] or KEYS[1] end

local function lastSuccess(name)
  local at = tonumber(redis.call('ZSCORE', setOf(name), name) or 0)
  -- A time of the future was noted before Redis's clock stepped back.
  return at <= now and at or 0
end

for i = 8, #ARGV, 2 do
  local name, at = ARGV[i], now - tonumber(ARGV[i + 1])
  if at > lastSuccess(name) then redis.call('ZADD', setOf(name), at, name) end
end
if #ARGV > 7 then
  for i = 1, 2 do
    redis.call('ZREMRANGEBYRANK', KEYS[i], 0, -MOST_NAMES - 1)
    redis.call('PEXPIRE', KEYS[i], KEPT_MS)
  end
end
if ARGV[1] == '' then return { now, {}, {}, '0' } end

-- Whether another page or key is in use is all that the decision needs of the others, so the two latest are enough.
local function successes()
  local found = { ARGV[4], lastSuccess(ARGV[4]), ARGV[5], lastSuccess(ARGV[5]) }
  for key, latest in pairs({ [KEYS[1]] = 2, [KEYS[2]] = 1 }) do
    for _, entry in ipairs(redis.call('ZREVRANGEBYSCORE', key, now, '-inf', 'WITHSCORES', 'LIMIT', 0, latest + 1)) do
      found[#found + 1] = entry
    end
  end
  return found
end

local metBefore = tonumber(ARGV[6])
if metBefore and lastSuccess(ARGV[7]) >= now - metBefore then return { now, successes(), {}, '0' } end

redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - windowMs)
redis.call('ZREMRANGEBYSCORE', KEYS[3], now + 1, '+inf')
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -tonumber(ARGV[3]) - 1)
redis.call('PEXPIRE', KEYS[3], windowMs)
return { now, successes(), redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES'), '1' }
