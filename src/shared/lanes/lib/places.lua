-- lib/places
--
-- Put before the scripts that move messages. Needs holds.lua before it.
--
-- root: what every key of the shard starts with, `{<namespace>:<shard>}:`. lane: `<page>/<conversation>`.
--
-- `heads:<page>` contains each lane of the page that has messages. The lane's one score says where its head is, so a head is in one place:
local HIGH, READY_BELOW, IN_FLIGHT, BACKOFF, ASIDE, KEYLESS, HELD = -3e12, 1e12, 1e13, 2e13, 25e12, 28e12, 3e13
--   below READY_BELOW   waits for its turn, the lowest score first; heads with high priority have scores around HIGH
--   IN_FLIGHT           released to BullMQ's `wait`, being sent, or put off by a hold before it was sent
--   BACKOFF             in backoff
--   ASIDE               put off by a hold after it was sent
--   KEYLESS             put off because the worker lacks its encryption key: any number of them, since they take no room and no share
--   HELD                waits in a conversation that an operator or a dead letter holds
-- The head's job says the same in its field `place` (absent: it waits in its lane), and `why` where there are several reasons.

-- For each reason of a put-off.
local PUT_OFF = { hold = IN_FLIGHT, backoff = BACKOFF, aside = ASIDE, keyless = KEYLESS }

local function pageOf(lane)
  return string.match(lane, '^[^/]+')
end

-- Whether a text is a name that key-names.ts makes of a page and a conversation. Others can write into jobs and sets, too, and a name that
-- is none could mean something else, such as `*` in the name of a hold.
local LONGEST_LANE = 129
local function isLane(text)
  return #text <= LONGEST_LANE and string.find(text, '^[%w_.@+~-]+/[%w_.@+~-]+$') ~= nil
end

local function isLaneOf(page, text)
  return isLane(text) and pageOf(text) == page
end

-- Whether a text can be the id of a job. BullMQ's other keys stand beside those of jobs, and others can write their names in place of ids.
local NO_JOBS = {
  active = true, completed = true, delayed = true, events = true, failed = true, id = true, limiter = true, marker = true, meta = true,
  paused = true, pc = true, prioritized = true, ['repeat'] = true, stalled = true, ['stalled-check'] = true, wait = true,
  ['waiting-children'] = true,
}
local function isJobId(text)
  return not NO_JOBS[text] and text ~= '' and not string.find(text, ':', 1, true)
end

-- Redis is slow at converting a number argument of a command to text, so frequent arguments are text already.
local IN_FLIGHT_TEXT = string.format('%d', IN_FLIGHT)
local timeText
local function nowText()
  timeText = timeText or string.format('%d', redisNowMs())
  return timeText
end

-- For scripts that rarely need what although-full.lua does.
local function writeAlthoughFull()
  redis.call('DEL', KEYS[#KEYS])
end

local function writeFirst(...)
  local answer = redis.pcall(...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  writeAlthoughFull()
  return redis.call(...)
end

local function fieldsOf(key, ...)
  return unpack(redis.call('HMGET', key, ...))
end

-- Returns the hash `fleet`, which the leaders and the workers write; read once in a call.
local fleetFacts
local function readFleet(root)
  if fleetFacts then return fleetFacts end
  local concurrency, window, intervalMs, burst, pageIntervalMs, pageBurst, tat, wakeAt, time, backAt, timeline, mark = fieldsOf(
    root .. 'fleet', 'concurrency', 'window', 'intervalMs', 'burst', 'pageIntervalMs', 'pageBurst', 'tat', 'wakeAt', 'time', 'backAt',
    'timeline', 'mark')
  fleetFacts = {
    concurrency = tonumber(concurrency) or 50,
    window = tonumber(window) or 0,
    -- Absent until the fleet's leader has written how fast messages may leave.
    intervalMs = tonumber(intervalMs),
    burst = tonumber(burst) or 1,
    pageIntervalMs = tonumber(pageIntervalMs) or 0,
    pageBurst = tonumber(pageBurst) or 1,
    tat = tonumber(tat) or 0,
    wakeAt = tonumber(wakeAt) or 0,
    time = tonumber(time),
    backAt = tonumber(backAt),
    timeline = timeline or nil,
    mark = tonumber(mark) or 0,
  }
  return fleetFacts
end

-- Returns the next number of a sequence. Producers count, too, so the sequences have a key of their own. Who may count may also count far
-- ahead: then the sequence begins anew, because numbers past `most` would mean something else, or be none.
local function nextNumber(root, field, most)
  local counts = root .. 'counts'
  local number = redis.pcall('HINCRBY', counts, field, 1)
  if type(number) == 'number' and number > 0 and number <= most then return number end
  -- Refused for lack of memory, for example.
  local isSpoilt = type(number) == 'number' or string.find(number.err, 'overflow', 1, true)
    or string.find(number.err, 'not an integer', 1, true) or string.find(number.err, 'WRONGTYPE', 1, true)
  if not isSpoilt then error(number) end
  redis.call('DEL', counts)
  return redis.call('HINCRBY', counts, field, 1)
end

-- Returns the turn of all heads that become ready in this call, as text. It is an integer because Redis compares those faster.
local callTurn
local function nextTurn(root)
  callTurn = callTurn or string.format('%d', nextNumber(root, 'turn', 0.9 * READY_BELOW))
  return callTurn
end

local isMarked = false
local function wakeWorker(root)
  if isMarked then return end
  isMarked = true
  local marker = root .. 'send:marker'
  if type(redis.pcall('ZADD', marker, 0, '0')) ~= 'table' then return end
  writeAlthoughFull()
  if type(redis.pcall('ZADD', marker, 0, '0')) ~= 'table' then return end
  -- Somebody else wrote something into its place.
  redis.call('DEL', marker)
  redis.call('ZADD', marker, 0, '0')
end

-- Adds a page to those with work, which share the fleet; asks Redis once in a call.
local pagesKnown = {}
local function enterPages(root, page)
  if pagesKnown[page] then return end
  pagesKnown[page] = true
  local isNew = redis.call('SADD', root .. 'pages', page) == 1
  if isNew and readFleet(root).pageIntervalMs > 0 then forgetLateness(root, page, readFleet(root)) end
end

-- The page may have something to send, or room for it; the next worker that looks finds out.
local pagesInTurns = {}
local function takeTurn(root, page, turn)
  if pagesInTurns[page] then return end
  pagesInTurns[page] = true
  redis.call('ZADD', root .. 'turns', 'NX', turn, page)
end

local function loseTurns(root, pages)
  if #pages == 0 then return end
  for _, page in ipairs(pages) do pagesInTurns[page] = nil end
  redis.call('ZREM', root .. 'turns', unpack(pages))
end

-- Removes a page that has nothing to send from those that share the fleet; conversations that are held or lack a key don't count. Returns whether it left.
local function leavePages(root, page)
  if redis.call('ZCOUNT', root .. 'heads:' .. page, '-inf', '(' .. KEYLESS) > 0 then return false end
  pagesKnown[page] = nil
  redis.call('SREM', root .. 'pages', page)
  redis.call('SREM', root .. 'asleep', page)
  redis.call('ZREM', root .. 'paced', page)
  loseTurns(root, { page })
  return true
end

-- Settlements of a call collect the new scores of a page's heads here, to write them together; `nil` at other times.
local headsToPlace
local function placeHeadOf(root, page, lane, score)
  if not headsToPlace then return redis.call('ZADD', root .. 'heads:' .. page, score, lane) end
  local heads = headsToPlace[page] or {}
  headsToPlace[page] = heads
  heads[#heads + 1] = score
  heads[#heads + 1] = lane
end

local function placeHead(root, lane, score)
  placeHeadOf(root, pageOf(lane), lane, score)
end

local function placeHeadsTogether() headsToPlace = {} end

-- A key that somebody else wrote must not stop the other pages and messages; the next reconcile pass repairs what remains.
local function placeHeadsNow(root)
  for page, heads in pairs(headsToPlace or {}) do
    local answer = redis.pcall('ZADD', root .. 'heads:' .. page, unpack(heads))
    if type(answer) == 'table' then
      for i = 1, #heads, 2 do redis.pcall('ZADD', root .. 'heads:' .. page, heads[i], heads[i + 1]) end
    end
  end
  headsToPlace = nil
end

-- Lets the lane's head wait for its turn. Whether the lane is held is checked when its turn comes.
local function makeReady(root, lane, turn, isHigh, isFirst)
  local page, score = pageOf(lane), turn
  if isHigh or isFirst then score = (isHigh and HIGH or 0) + (isFirst and -turn or turn) end
  placeHeadOf(root, page, lane, score)
  takeTurn(root, page, turn)
end

-- Puts a message back into `waiting-children`, which BullMQ hands out to nobody, by the time since which it has waited.
local function hide(root, id)
  local due, timestamp = fieldsOf(root .. 'send:' .. id, 'due', 'timestamp')
  redis.call('ZADD', root .. 'send:waiting-children', numberOf(due) or numberOf(timestamp) or 0, id)
end

-- Notes at a head that a message with high priority stands behind it. The head may be an id of others, which a producer may not write to.
local function noteBehind(root, head)
  if isJobId(head) then redis.pcall('HSET', root .. 'send:' .. head, 'behind', 'high') end
end

-- Whether the first message of a lane has high priority. Nobody knows of what is no message.
local function isHeadHigh(root, lane)
  local head = redis.call('LINDEX', root .. 'lane:' .. lane, 0)
  return head and redis.pcall('HGET', root .. 'send:' .. head, 'high') == '1'
end

-- Puts a message at the end of its conversation.
local function joinLane(root, lane, id, isHigh)
  if redis.call('RPUSH', root .. 'lane:' .. lane, id) == 1 then
    enterPages(root, pageOf(lane))
    return makeReady(root, lane, nextTurn(root), isHigh)
  end
  -- Its priority counts once it is the head; until then the head notes that such a message stands behind it.
  if isHigh then noteBehind(root, redis.call('LINDEX', root .. 'lane:' .. lane, 0)) end
end

-- Puts a message before all that wait in its conversation. A head that has a place already, such as a released one, stays first.
local function joinFront(root, lane, id, isHigh)
  local laneKey = root .. 'lane:' .. lane
  local head = redis.call('LINDEX', laneKey, 0)
  if head and redis.pcall('HEXISTS', root .. 'send:' .. head, 'place') == 1 then
    redis.call('LINSERT', laneKey, 'AFTER', head, id)
    noteBehind(root, head)
    return
  end
  redis.call('LPUSH', laneKey, id)
  if head then redis.call('HSET', root .. 'send:' .. id, 'behind', 'high') end
  enterPages(root, pageOf(lane))
  makeReady(root, lane, nextTurn(root), isHigh)
end

-- Removes a message that ends from its lane. If it was the head, the next message is ready: with the turn in which the head was
-- served (`turn`), or with a new one. `behind`: whether a message with high priority may stand behind it.
local function leaveLane(root, lane, id, turn, behind)
  local laneKey = root .. 'lane:' .. lane
  local first = redis.call('LPOP', laneKey)
  if first ~= id then
    -- It was not the head, or its lane was deleted by hand.
    if first then redis.call('LPUSH', laneKey, first) end
    redis.call('LREM', laneKey, 1, id)
    if first then return end
  end
  local nextHead = redis.call('LINDEX', laneKey, 0)
  if nextHead then
    local isHigh = false
    if behind then
      isHigh = redis.pcall('HGET', root .. 'send:' .. nextHead, 'high') == '1'
      noteBehind(root, nextHead)
    end
    -- Without `turn` the head was not being sent, so the page has no share if all of its conversations were held.
    if not turn then enterPages(root, pageOf(lane)) end
    return makeReady(root, lane, turn or nextTurn(root), isHigh)
  end
  local page = pageOf(lane)
  redis.call('ZREM', root .. 'heads:' .. page, lane)
  -- Another conversation of the page may have waited for the room that is free now.
  if not leavePages(root, page) then takeTurn(root, page, turn or nextTurn(root)) end
end

-- Removes a message that is put off from the sets in which it waits.
local function endPutOff(root, id, why)
  redis.call('ZREM', root .. 'send:delayed', id)
  if why ~= 'backoff' then redis.call('SREM', root .. 'held', id) end
  if why == 'keyless' then redis.call('HDEL', root .. 'keyless', id) end
end

-- Makes a head the first of its page with its priority, because it could not use its turn, or because its wait is over.
local function comeFirst(root, lane, id)
  redis.call('HDEL', root .. 'send:' .. id, 'place', 'why', 'next')
  hide(root, id)
  enterPages(root, pageOf(lane))
  makeReady(root, lane, nextTurn(root), redis.call('HGET', root .. 'send:' .. id, 'high'), true)
end

-- Takes the head of a conversation that is held out of the turns, if it waits.
local function holdLane(root, lane)
  placeHeadsNow(root)
  local score = tonumber(redis.call('ZSCORE', root .. 'heads:' .. pageOf(lane), lane) or nil)
  if not score or score >= READY_BELOW then return end
  placeHead(root, lane, HELD)
  leavePages(root, pageOf(lane))
end

-- The hold of the conversation has ended: if the hold had stopped the head, makes it the first of its page with its priority.
local function letLaneGoOn(root, lane)
  local page = pageOf(lane)
  if tonumber(redis.call('ZSCORE', root .. 'heads:' .. page, lane) or 0) ~= HELD then return end
  enterPages(root, page)
  makeReady(root, lane, nextTurn(root), isHeadHigh(root, lane), true)
end

-- Takes back the heads of the lanes that `isMeant` accepts if they are released but not yet taken. There are few: what leaves within
-- half a second. If others have written more there, the takes find out what is held.
local MOST_TAKEN_BACK = 1000
local function takeBack(root, id, isMeant)
  local lane, place = fieldsOf(root .. 'send:' .. id, 'lane', 'place')
  if place ~= 'released' or not lane or not isLane(lane) or not isMeant(lane) then return end
  redis.call('LREM', root .. 'send:wait', -1, id)
  comeFirst(root, lane, id)
end

local function takeBackReleased(root, isMeant)
  for _, id in ipairs(redis.pcall('LRANGE', root .. 'send:wait', -MOST_TAKEN_BACK, -1)) do alone(takeBack, root, id, isMeant) end
end

-- Under a limit one worker has reserved the slots of the next half second, and looks without being woken.
local function isLookedAfter(fleet, now)
  return (fleet.intervalMs or 0) > 0 and fleet.wakeAt > now and fleet.wakeAt <= now + HORIZON_MS
end

-- Wakes a worker if this call has made a page ready and no worker looks by itself.
local function wakeForWork(root, now)
  if next(pagesInTurns) and not isLookedAfter(readFleet(root), now) then wakeWorker(root) end
end
