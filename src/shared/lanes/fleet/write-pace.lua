-- fleet/write-pace
--
-- Writes the limits of a shard; called by the fleet's leader only. Needs limit.lua before it.
--
-- KEYS[1] the shard's hash `fleet`  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] the leader's term  ARGV[3] ms between two messages of the shard, 0 for no limit  ARGV[4] its burst
-- ARGV[5], ARGV[6] the same for each page
--
-- Returns { the term of the shard, how far ahead slots are reserved, in ms }. A term higher than the caller's means that a later leader
-- has written already, and this call wrote nothing.

local root, fleet = ARGV[1], KEYS[1]
local now = redisNowMs()
local before = redis.call('HMGET', fleet, 'intervalMs', 'burst', 'pageIntervalMs', 'pageBurst', 'tat', 'term')
local term = tonumber(before[6]) or 0
if term > tonumber(ARGV[2]) then return { term, 0 } end

local old = {
  intervalMs = tonumber(before[1]), burst = tonumber(before[2]) or 1, tat = tonumber(before[5]) or 0,
  pageIntervalMs = tonumber(before[3]) or 0,
}
local intervalMs, burst = tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('HSET', fleet, 'intervalMs', ARGV[3], 'burst', ARGV[4], 'pageIntervalMs', ARGV[5], 'pageBurst', ARGV[6],
  'term', ARGV[2])

-- Reserved slots stay as they are. The part of an interval that has passed counts at the new pace as well, and a change grants no new
-- burst.
local reservedMs = 0
if (old.intervalMs or 0) > 0 and intervalMs > 0 then
  local tat = boundedTat(old, now)
  local from = math.max(now, tat - old.burst * old.intervalMs)
  local left = math.min(old.burst - (tat - from) / old.intervalMs, burst)
  redis.call('HSET', fleet, 'tat', string.format('%.3f', from + (burst - left) * intervalMs))
  reservedMs = math.ceil(from - now)
end

local function isFaster(afterMs, beforeMs)
  return not beforeMs or (beforeMs > 0 and (afterMs == 0 or afterMs < beforeMs))
end

local isPageFaster = isFaster(tonumber(ARGV[5]), tonumber(before[3]))
if isPageFaster then
  -- Pages that wait for a slot of the old limit are due now.
  for _, page in ipairs(redis.call('ZRANGE', root .. 'paced', 0, -1)) do redis.call('ZADD', root .. 'paced', 0, page) end
end
if isPageFaster or isFaster(intervalMs, old.intervalMs) then redis.call('ZADD', root .. 'send:marker', 0, '0') end
return { tonumber(ARGV[2]), reservedMs }
