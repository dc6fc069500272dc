-- Put before the scripts that free or fill room in a page's window. Not a script of its own.
--
-- A lane's head is in exactly one place: its lane stands in the page's `ready` list or, if the head has high priority, in
-- its `high` list; or its id is a field of the page's `window` (released, being sent, put off) or of its `failing` (in
-- backoff), with the lane as the value; or an operator holds the conversation, and the lane stands nowhere.
-- Heads of the window that wait for a slot of a limit are also in the page's `slots`, by the time of the slot.
--
-- root: what every key of the shard starts with, `{<namespace>:<shard>}:`. lane: `<page>/<conversation>`.

local function pageOf(lane)
  return string.match(lane, '^[^/]+')
end

-- What the workers' registration wrote: the concurrency of all of them, the operator's fixed window, 0 for a fair share,
-- and the ms between two sends that the limits leave, of a page and of the fleet.
local function readFleet(root)
  local fields = redis.call('HMGET', root .. 'fleet', 'concurrency', 'window', 'pageIntervalMs', 'pageBurst', 'intervalMs',
    'burst')
  return {
    concurrency = tonumber(fields[1] or 50),
    window = tonumber(fields[2] or 0),
    pageIntervalMs = tonumber(fields[3]),
    pageBurst = tonumber(fields[4] or 1),
    intervalMs = tonumber(fields[5]),
    burst = tonumber(fields[6] or 1),
    pages = math.max(1, redis.call('SCARD', root .. 'pages')),
  }
end

-- How many heads of one page may be released at once.
local function windowSize(fleet)
  if fleet.window > 0 then return fleet.window end
  -- No more than the workers can send: whatever waits in BullMQ's list stands before another page's messages.
  return math.max(1, math.ceil(fleet.concurrency / fleet.pages))
end

-- How many more heads may wait for a slot. Slots are reserved some seconds ahead and no further, so that a message with
-- high priority and a limit that was changed don't wait behind many of them.
local function roomForSlots(root, page, fleet)
  local intervalMs = math.max(fleet.pageIntervalMs or 0, (fleet.intervalMs or 0) * fleet.pages)
  if intervalMs == 0 then return math.huge end
  return math.max(1, math.ceil(2000 / intervalMs)) - redis.call('ZCARD', root .. 'slots:' .. page)
end

-- A page with nothing in any of its places takes no share of the fleet.
local function leavePages(root, page)
  local places = { root .. 'window:' .. page, root .. 'ready:' .. page, root .. 'high:' .. page, root .. 'failing:' .. page }
  if redis.call('EXISTS', unpack(places)) == 0 then
    redis.call('SREM', root .. 'pages', page)
    redis.call('SREM', root .. 'asleep', page)
  end
end

local function popReady(root, page)
  return redis.call('LPOP', root .. 'high:' .. page) or redis.call('LPOP', root .. 'ready:' .. page)
end

-- Puts a lane whose head waits for its page into the list where it belongs: `push` is RPUSH, or LPUSH for one that had
-- its turn and couldn't use it.
local function pushReady(root, lane, page, push)
  local head = redis.call('LINDEX', root .. 'lane:' .. lane, 0)
  local isHigh = head and redis.call('HGET', root .. 'send:' .. head, 'high')
  redis.call(push, root .. (isHigh and 'high:' or 'ready:') .. page, lane)
end

-- Releases heads of the page's ready lanes into BullMQ's `wait` while the window has room. Bounded: what is left over
-- goes on with the next message that ends.
local function releaseReady(root, page)
  local windowKey, failingKey = root .. 'window:' .. page, root .. 'failing:' .. page
  if isPageHeldForGood(root, page) then
    -- A page that may not send takes no share of the fleet; the end of the hold must find it again.
    if redis.call('EXISTS', windowKey, failingKey) == 0 then redis.call('SMOVE', root .. 'pages', root .. 'asleep', page) end
    return
  end
  local fleet = readFleet(root)
  local size = windowSize(fleet)
  local room = math.min(size - redis.call('HLEN', windowKey), roomForSlots(root, page, fleet))
  if room <= 0 then return end
  -- Heads in backoff are outside the window; a page on which everything fails must not grow without bound.
  if redis.call('HLEN', failingKey) >= 4 * size then return end
  local send = root .. 'send:'
  local released = 0
  for _ = 1, 200 do
    if released >= room then break end
    local lane = popReady(root, page)
    if not lane then break end
    local laneKey = root .. 'lane:' .. lane
    local id = redis.call('LINDEX', laneKey, 0)
    if isLaneHeldForGood(root, lane) then
      -- It stands nowhere until it is released.
      leavePages(root, page)
    elseif id then
      if redis.call('ZREM', send .. 'waiting-children', id) == 1 then
        redis.call('HSET', windowKey, id, lane)
        redis.call('LPUSH', send .. 'wait', id)
        released = released + 1
      elseif redis.call('EXISTS', send .. id) == 0 then
        -- Somebody removed the job behind our back: the conversation goes on with its next message.
        redis.call('LPOP', laneKey)
        if redis.call('EXISTS', laneKey) == 1 then pushReady(root, lane, page, 'LPUSH') else leavePages(root, page) end
      elseif redis.call('HEXISTS', failingKey, id) == 0 then
        -- An operator has put it into `wait` before its turn, which is now: it needs its place all the same.
        released = released + redis.call('HSET', windowKey, id, lane)
      end
    end
  end
  if released > 0 then redis.call('ZADD', send .. 'marker', 0, '0') end
end

local function becomeReady(root, lane, page, push)
  pushReady(root, lane, page, push)
  releaseReady(root, page)
end

-- Puts a message at the end of its conversation; if it is alone there, it waits for its page at once.
local function joinLane(root, lane, id)
  if redis.call('RPUSH', root .. 'lane:' .. lane, id) > 1 then return end
  local page = pageOf(lane)
  redis.call('SADD', root .. 'pages', page)
  becomeReady(root, lane, page, 'RPUSH')
end

local function isReleased(root, lane, id)
  local page = pageOf(lane)
  return redis.call('HEXISTS', root .. 'window:' .. page, id) == 1 or redis.call('HEXISTS', root .. 'failing:' .. page, id) == 1
end

-- Puts a message before all that wait in its conversation. One that was released has had its turn and comes first.
local function joinFront(root, lane, id)
  local page, laneKey = pageOf(lane), root .. 'lane:' .. lane
  local head = redis.call('LINDEX', laneKey, 0)
  if head and isReleased(root, lane, head) then
    redis.call('LINSERT', laneKey, 'AFTER', head, id)
    return
  end
  redis.call('LPUSH', laneKey, id)
  -- The conversation may have waited for its turn with the other head, whose priority may differ.
  redis.call('LREM', root .. 'ready:' .. page, 1, lane)
  redis.call('LREM', root .. 'high:' .. page, 1, lane)
  redis.call('SADD', root .. 'pages', page)
  becomeReady(root, lane, page, 'RPUSH')
end

-- A hold of the conversation has ended: its head takes its turn, unless it has a place.
local function letLaneGoOn(root, lane)
  local page = pageOf(lane)
  local head = redis.call('LINDEX', root .. 'lane:' .. lane, 0)
  if not head or isReleased(root, lane, head) then return end
  if redis.call('LPOS', root .. 'ready:' .. page, lane) or redis.call('LPOS', root .. 'high:' .. page, lane) then return end
  redis.call('SADD', root .. 'pages', page)
  becomeReady(root, lane, page, 'LPUSH')
end

-- Back among those that BullMQ gives to nobody, sorted by the time since when they wait.
local function hide(root, id)
  local job = redis.call('HMGET', root .. 'send:' .. id, 'due', 'timestamp')
  redis.call('ZADD', root .. 'send:waiting-children', job[1] or job[2], id)
end

-- Takes an ended message out of its lane and lets the conversation and the page go on.
local function leaveLane(root, lane, id)
  local page = pageOf(lane)
  local laneKey = root .. 'lane:' .. lane
  local wasHead = redis.call('LINDEX', laneKey, 0) == id
  if wasHead then redis.call('LPOP', laneKey) else redis.call('LREM', laneKey, 1, id) end
  redis.call('HDEL', root .. 'window:' .. page, id)
  redis.call('ZREM', root .. 'slots:' .. page, id)
  if wasHead and redis.call('EXISTS', laneKey) == 1 then
    pushReady(root, lane, page, 'RPUSH')
  end
  releaseReady(root, page)
  leavePages(root, page)
end

local function leaveBackoff(root, lane, id)
  if redis.call('ZREM', root .. 'backoff', id) == 1 then
    redis.call('HDEL', root .. 'failing:' .. pageOf(lane), id)
  end
end
