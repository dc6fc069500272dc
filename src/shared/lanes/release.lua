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

-- What is the same for all messages that a script is about is read once.
local fleetFacts, pageCount, isBackoffUsed
local isMarked = false
local pagesWithoutHigh = {}

-- What the workers' registration wrote: the concurrency of all of them, the operator's fixed window, 0 for a fair share,
-- and the ms between two sends that the limits leave, of a page and of the fleet.
local function readFleet(root)
  if fleetFacts then return fleetFacts end
  local fields = redis.call('HMGET', root .. 'fleet', 'concurrency', 'window', 'pageIntervalMs', 'pageBurst', 'intervalMs',
    'burst')
  fleetFacts = {
    concurrency = tonumber(fields[1] or 50),
    window = tonumber(fields[2] or 0),
    pageIntervalMs = tonumber(fields[3]),
    pageBurst = tonumber(fields[4] or 1),
    intervalMs = tonumber(fields[5]),
    burst = tonumber(fields[6] or 1),
  }
  return fleetFacts
end

-- Pages that have work, among which the fleet is shared out.
local function countPages(root)
  pageCount = pageCount or math.max(1, redis.call('SCARD', root .. 'pages'))
  return pageCount
end

local function enterPages(root, page)
  if redis.call('SADD', root .. 'pages', page) == 1 then pageCount = nil end
end

-- How many heads of one page may be released at once.
local function windowSize(root)
  local fleet = readFleet(root)
  if fleet.window > 0 then return fleet.window end
  -- No more than the workers can send: whatever waits in BullMQ's list stands before another page's messages.
  return math.max(1, math.ceil(fleet.concurrency / countPages(root)))
end

-- How many more heads may wait for a slot. Slots are reserved some seconds ahead and no further, so that a message with
-- high priority and a limit that was changed don't wait behind many of them.
local function roomForSlots(root, page)
  local fleet = readFleet(root)
  if not (fleet.pageIntervalMs or fleet.intervalMs) then return math.huge end
  local intervalMs = math.max(fleet.pageIntervalMs or 0, (fleet.intervalMs or 0) * countPages(root))
  return math.max(1, math.ceil(2000 / intervalMs)) - redis.call('ZCARD', root .. 'slots:' .. page)
end

-- A page with nothing in any of its places takes no share of the fleet.
local function leavePages(root, page)
  local places = { root .. 'window:' .. page, root .. 'ready:' .. page, root .. 'high:' .. page, root .. 'failing:' .. page }
  if redis.call('EXISTS', unpack(places)) == 0 then
    pageCount = nil
    redis.call('SREM', root .. 'pages', page)
    redis.call('SREM', root .. 'asleep', page)
  end
end

local function popReady(root, page)
  if not pagesWithoutHigh[page] then
    local lane = redis.call('LPOP', root .. 'high:' .. page)
    if lane then return lane end
    pagesWithoutHigh[page] = true
  end
  return redis.call('LPOP', root .. 'ready:' .. page)
end

-- Puts a lane whose head waits for its page into the list where it belongs: `push` is RPUSH, or LPUSH for one that had
-- its turn and couldn't use it.
local function pushReady(root, lane, page, push, knownHead)
  local head = knownHead or redis.call('LINDEX', root .. 'lane:' .. lane, 0)
  local isHigh = head and redis.call('HGET', root .. 'send:' .. head, 'high')
  if isHigh then pagesWithoutHigh[page] = nil end
  redis.call(push, root .. (isHigh and 'high:' or 'ready:') .. page, lane)
end

-- Heads in backoff are outside the window; a page on which everything fails must not grow without bound.
local function isFailingTooMuch(root, page)
  if isBackoffUsed == nil then isBackoffUsed = redis.call('EXISTS', root .. 'backoff') == 1 end
  return isBackoffUsed and redis.call('HLEN', root .. 'failing:' .. page) >= 4 * windowSize(root)
end

local function wakeWorker(root)
  if isMarked then return end
  redis.call('ZADD', root .. 'send:marker', 0, '0')
  isMarked = true
end

-- Releases heads of the page's ready lanes into BullMQ's `wait` while the window has room. Bounded: what is left over
-- goes on with the next message that ends. Returns how many the window holds, if that was looked at.
local function releaseReady(root, page)
  local windowKey, failingKey = root .. 'window:' .. page, root .. 'failing:' .. page
  if isPageHeldForGood(root, page) then
    -- A page that may not send takes no share of the fleet; the end of the hold must find it again.
    if redis.call('EXISTS', windowKey, failingKey) == 0 then
      pageCount = nil
      redis.call('SMOVE', root .. 'pages', root .. 'asleep', page)
    end
    return
  end
  local taken = redis.call('HLEN', windowKey)
  local room = math.min(windowSize(root) - taken, roomForSlots(root, page))
  if room <= 0 or isFailingTooMuch(root, page) then return taken end
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
        wakeWorker(root)
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
  return taken + released
end

local function becomeReady(root, lane, page, push)
  pushReady(root, lane, page, push)
  releaseReady(root, page)
end

-- Puts a message at the end of its conversation; if it is alone there, it waits for its page at once.
local function joinLane(root, lane, id)
  if redis.call('RPUSH', root .. 'lane:' .. lane, id) > 1 then return end
  local page = pageOf(lane)
  enterPages(root, page)
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
  enterPages(root, page)
  becomeReady(root, lane, page, 'RPUSH')
end

-- A hold of the conversation has ended: its head takes its turn, unless it has a place.
local function letLaneGoOn(root, lane)
  local page = pageOf(lane)
  local head = redis.call('LINDEX', root .. 'lane:' .. lane, 0)
  if not head or isReleased(root, lane, head) then return end
  if redis.call('LPOS', root .. 'ready:' .. page, lane) or redis.call('LPOS', root .. 'high:' .. page, lane) then return end
  enterPages(root, page)
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
  local first = redis.call('LRANGE', laneKey, 0, 1)
  local wasHead, nextHead = first[1] == id, first[2]
  if wasHead then redis.call('LPOP', laneKey) else redis.call('LREM', laneKey, 1, id) end
  redis.call('HDEL', root .. 'window:' .. page, id)
  if wasHead and nextHead then pushReady(root, lane, page, 'RPUSH', nextHead) end
  if (releaseReady(root, page) or 0) == 0 then leavePages(root, page) end
end

local function enterBackoff(root, lane, id, untilMs)
  local page = pageOf(lane)
  isBackoffUsed = true
  redis.call('ZADD', root .. 'backoff', untilMs, id)
  redis.call('HSET', root .. 'failing:' .. page, id, lane)
  redis.call('HDEL', root .. 'window:' .. page, id)
end

local function leaveBackoff(root, lane, id)
  if redis.call('ZREM', root .. 'backoff', id) == 1 then
    redis.call('HDEL', root .. 'failing:' .. pageOf(lane), id)
  end
end

-- Out of the lists of what is put off: in backoff, held, or waiting for a slot. A job that is in one of them has `next`.
local function endPutOff(root, lane, id)
  leaveBackoff(root, lane, id)
  redis.call('ZREM', root .. 'held', id)
  redis.call('ZREM', root .. 'slots:' .. pageOf(lane), id)
end
