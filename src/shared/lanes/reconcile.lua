-- Looks for lanes that stand still though nothing holds them, and mends what it finds. What it can find comes from
-- outside: an operator who removed jobs in some dashboard or deleted keys, or data that Redis lost.
--
-- KEYS[1] the hash of repairs
-- ARGV[1] root  ARGV[2] where the last pass stopped among the pages  ARGV[3] how many waiting messages to look at
-- ARGV[4] age in ms from which a message without a lane was never stored
--
-- Returns { where this pass stopped, repairs }; '0' means that all pages were seen.

local root = ARGV[1]
local send = root .. 'send:'
local repairs = 0

local function repaired(kind)
  repairs = repairs + 1
  redis.call('HINCRBY', KEYS[1], kind, 1)
end

local function isWithBullMq(id)
  return redis.call('LPOS', send .. 'wait', id) or redis.call('LPOS', send .. 'active', id)
    or redis.call('ZSCORE', send .. 'delayed', id) or redis.call('ZSCORE', send .. 'failed', id)
end

-- Every head in the window or in backoff must be in one of BullMQ's hands.
local function checkHeads(place, page)
  local key = root .. place .. ':' .. page
  local entries = redis.call('HGETALL', key)
  for i = 1, #entries, 2 do
    local id, lane = entries[i], entries[i + 1]
    if redis.call('EXISTS', send .. id) == 0 then
      -- Its place goes to the next message of the conversation.
      redis.call('HDEL', key, id)
      endPutOff(root, lane, id)
      leaveLane(root, lane, id)
      repaired('removed')
    elseif redis.call('ZSCORE', send .. 'completed', id) then
      -- Redis came back at an earlier moment and heard only BullMQ's last word again. A dead one isn't kept there.
      redis.call('HSET', send .. id, 'settled', 'delivered')
      redis.call('HDEL', send .. id, 'open', 'next', 'held', 'pageSlot', 'fleetSlot')
      endPutOff(root, lane, id)
      redis.call('HDEL', key, id)
      leaveLane(root, lane, id)
      repaired('forgotten-end')
    elseif not isWithBullMq(id) then
      redis.call('HDEL', key, id)
      redis.call('ZREM', root .. 'slots:' .. page, id)
      hide(root, id)
      pushReady(root, lane, page, 'LPUSH')
      repaired('dropped')
    end
  end
end

-- Whether the lane's place is known. With lanes ready it can't be told in little time; they are released sooner or later.
local function isAccountedFor(lane, page, head)
  return redis.call('EXISTS', root .. 'ready:' .. page, root .. 'high:' .. page) > 0
    or isLaneHeldForGood(root, lane)
    or redis.call('HEXISTS', root .. 'window:' .. page, head) == 1
    or redis.call('HEXISTS', root .. 'failing:' .. page, head) == 1
end

-- One that isn't due yet has no place in its conversation.
local function isScheduled(id, due)
  if redis.call('ZSCORE', root .. 'due', id) then return true end
  if not due or tonumber(due) <= redisNowMs() then return false end
  redis.call('ZADD', root .. 'due', due, id)
  repaired('lost-schedule')
  return true
end

-- Only short lanes are searched: it must stay cheap.
local function hasLostItsPlace(laneKey, id)
  return redis.call('LLEN', laneKey) <= 1000 and not redis.call('LPOS', laneKey, id)
end

local pages = redis.call('SSCAN', root .. 'pages', ARGV[2], 'COUNT', 50)
for _, page in ipairs(pages[2]) do
  checkHeads('window', page)
  checkHeads('failing', page)
  releaseReady(root, page)
end

-- A few of the waiting messages, the oldest first, then further on with each pass.
local total = redis.call('ZCARD', send .. 'waiting-children')
local from = tonumber(redis.call('HGET', KEYS[1], 'cursor') or 0)
if from >= total then from = 0 end
redis.call('HSET', KEYS[1], 'cursor', from + tonumber(ARGV[3]))
local oldest = redis.call('ZRANGE', send .. 'waiting-children', 0, 19)
local further = redis.call('ZRANGE', send .. 'waiting-children', from, from + tonumber(ARGV[3]) - 1)
for _, ids in ipairs({ oldest, further }) do
  for _, id in ipairs(ids) do
    local job = redis.call('HMGET', send .. id, 'lane', 'timestamp', 'due')
    local lane, storedAt = job[1], tonumber(job[2] or 0)
    if not lane then
      if redisNowMs() - storedAt > tonumber(ARGV[4]) then
        redis.call('ZREM', send .. 'waiting-children', id)
        redis.call('DEL', send .. id)
        repaired('never-stored')
      end
    elseif not isScheduled(id, job[3]) then
      local page = pageOf(lane)
      local laneKey = root .. 'lane:' .. lane
      if hasLostItsPlace(laneKey, id) then
        redis.call('RPUSH', laneKey, id)
        repaired('lost-place')
      end
      local head = redis.call('LINDEX', laneKey, 0)
      if not isAccountedFor(lane, page, head) then
        enterPages(root, page)
        becomeReady(root, lane, page, 'RPUSH')
        repaired('stuck-lane')
      end
    end
  end
end

return { pages[1], repairs }
