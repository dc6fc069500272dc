-- fleet/tick
--
-- What the shard's leader does every 1.5 s, and when something is due: brings back what is due, wakes a worker if messages may leave and
-- none looks, and removes messages that were delivered long ago. If Redis's clock has stepped back, the end of each put-off and page
-- wait moves back by the same amount.
--
-- KEYS[1] the hash `fleet`  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] worker id  ARGV[3] how long a lease lasts, in ms  ARGV[4] how long delivered messages are kept, in ms
-- ARGV[5] how many of them are kept  ARGV[6] how long a lock lasts, in ms  ARGV[7] where the leader last saw
-- this Redis, see timeline.lua  ARGV[8] most events to keep
--
-- Returns 'resigned' if another worker leads, 'elsewhere' if Redis is not where the leader last saw it, or { ms until the next scheduled
-- message is due, 0 if pages wait that were released, or ''; the timeline, its mark, and the time }.

local MOST_MOVED, MOST_CLEANED, CLEANED_AT_ONCE = 20000, 10000, 500
local root = ARGV[1]
local send = root .. 'send:'
local now = redisNowMs()
if not isWhereItWas(root, ARGV[7], 0) then return 'elsewhere' end
local seenAt = readFleet(root).time or now
if not takeLease(root, ARGV[2], now, tonumber(ARGV[3]), timeNoted(root, now)) then return 'resigned' end

local function moveScores(key, byMs, note)
  local entries = redis.call('ZRANGE', key, 0, MOST_MOVED - 1, 'WITHSCORES')
  for i = 1, #entries, 2 do
    local time = tonumber(entries[i + 1]) - byMs
    redis.call('ZADD', key, time, entries[i])
    if note and isJobId(entries[i]) then redis.pcall('HSET', send .. entries[i], 'next', time) end
  end
end

-- Keys expire by Redis's clock: after a step back, keys that should live some seconds, such as a dead worker's locks, would live longer by
-- the size of the step.
local function shortenLocks()
  redis.call('DEL', send .. 'stalled-check')
  for _, id in ipairs(redis.call('LRANGE', send .. 'active', 0, MOST_MOVED - 1)) do
    local lock = send .. id .. ':lock'
    if redis.call('PTTL', lock) > tonumber(ARGV[6]) then redis.call('PEXPIRE', lock, ARGV[6]) end
  end
end

if now < seenAt then
  alone(moveScores, root .. 'paced', seenAt - now)
  alone(moveScores, send .. 'delayed', seenAt - now, true)
  alone(shortenLocks)
  readFleet(root).wakeAt = 0
  redis.call('HSET', KEYS[1], 'wakeAt', 0)
end

local function cleanDelivered()
  local tooMany = redis.call('ZCARD', send .. 'completed') - tonumber(ARGV[5])
  local ids = tooMany > 0 and redis.call('ZRANGE', send .. 'completed', 0, math.min(tooMany, MOST_CLEANED) - 1)
    or redis.call('ZRANGEBYSCORE', send .. 'completed', '-inf', now - tonumber(ARGV[4]), 'LIMIT', 0, CLEANED_AT_ONCE)
  for from = 1, #ids, CLEANED_AT_ONCE do
    local upTo, keys = math.min(from + CLEANED_AT_ONCE - 1, #ids), { KEYS[2] }
    for i = from, upTo do
      if isJobId(ids[i]) then
        keys[#keys + 1] = send .. ids[i]
        keys[#keys + 1] = send .. ids[i] .. ':logs'
      end
    end
    redis.call('DEL', unpack(keys))
    redis.call('ZREM', send .. 'completed', unpack(ids, from, upTo))
  end
end

bringBack(root, now)
alone(cleanDelivered)
alone(forgetEnds, root, now)
alone(trimEvents, root, ARGV[8])

-- A release of everything leaves pages to the leader if it takes too long, or ends midway. Returns whether there were some.
local function lookAfterSleepers()
  if redis.call('EXISTS', root .. 'asleep') == 0 then return false end
  local cursor, isAnyone = wakeSleepers(root, redis.call('HGET', KEYS[1], 'sleepers') or '0')
  redis.call('HSET', KEYS[1], 'sleepers', cursor)
  return isAnyone
end
local areMoreAsleep = alone(lookAfterSleepers) == true
-- Workers look after put-off messages and waiting pages that they know of; the leader does so for workers that died.
local nextTime = areMoreAsleep and now or tonumber(alone(firstTime, root .. 'due'))
-- A worker that looks later than the horizon waits for something else.
local looksInMs = readFleet(root).wakeAt - now
local isLookedAfter = looksInMs >= -HORIZON_MS / 2 and looksInMs <= HORIZON_MS
if not isLookedAfter and redis.call('EXISTS', root .. 'turns', send .. 'wait') > 0 then wakeWorker(root) end
local fleet = readFleet(root)
return { nextTime and string.format('%.0f', math.max(0, nextTime - now)) or '', fleet.timeline or '', fleet.mark, now }
