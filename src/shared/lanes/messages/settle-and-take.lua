-- messages/settle-and-take
--
-- Does all that a worker wants of a shard in one turn of its event loop, in one call: settles messages, then takes others. An error of
-- one message leaves the others alone.
--
-- KEYS[1] a key of the shard  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] the worker's lock token  ARGV[3] how long a lock lasts, in ms  ARGV[4] most entries of a history
-- ARGV[5] prefix of the names of this call's attempts  ARGV[6] number of messages that the worker has places for
-- ARGV[7] number of its reserved slots that are due  ARGV[8] number of those that are not
-- ARGV[9] 'woken' (the worker had undertaken to look now) or 'due' (a wait that it knows of is over) to bring back what is due; or ''
-- ARGV[10] '1' to take one message as a probe, whatever the limit says
-- ARGV[11] where the worker last saw this Redis, see timeline.lua
-- ARGV[12]… settlements: see settle.lua
--
-- Returns { answers to the settlements, { verdict, id, attempt, name, data, timestamp, lane, label, policy, replays, used, history, exp, due, high } for each
-- message that was taken, ms until each slot that was reserved, ms until the worker is to look again or '', ms between two slots of the
-- fleet's limit (0 for no limit, '' if this call did not read it), the burst of that limit, '1' if nothing was handed out because Redis
-- is not where the worker last saw it, and otherwise the mark and its time, if this call read them }.

local root, most = ARGV[1], tonumber(ARGV[6])
local dueSlots, laterSlots, isProbe = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[10] == '1'
local send = root .. 'send:'
local UNKNOWN_PACE_MS = 500

local answers, at = {}, 12
placeHeadsTogether()
while at <= #ARGV do
  local after = at + VALUES[ARGV[at + 2]]
  answers[#answers + 1] = alone(settleOne, root, tonumber(ARGV[4]), unpack(ARGV, at, after - 1))
  at = after
end
finishSettlements(root)

local nextTime
if ARGV[9] ~= '' then nextTime = bringBack(root, redisNowMs()) end

local function isAnyoneReady()
  return redis.call('EXISTS', root .. 'turns', send .. 'wait') > 0
end

if most == 0 then
  if ARGV[9] ~= '' and isAnyoneReady() then wakeWorker(root) end
  -- This worker takes no more, so another one is woken for what has become ready.
  if laterSlots == 0 and next(pagesInTurns) then wakeForWork(root, redisNowMs()) end
  return { answers, {}, {}, '' }
end

if not isWhereItWas(root, ARGV[11], LOST_AT_MOST_MS) then return { answers, {}, {}, UNKNOWN_PACE_MS, '', 1, '1' } end

local worker = { token = ARGV[2], lockMs = ARGV[3], name = ARGV[5], attempts = 0 }
local taken = {}

-- Returns whether the worker has the message now.
local function take(id, turn, laneOfHead)
  local message = alone(takeOne, root, id, worker, turn, laneOfHead)
  if not message then return false end
  if message[1] == 'error' then message[3], message[2] = message[2], id end
  -- Ours are short. What others have written goes to the log only.
  message[2] = upTo(LONGEST_NAME, message[2])
  taken[#taken + 1] = message
  return message[1] ~= 'error' and message[1] ~= 'foreign'
end

local active = {}
local function takeIntoActive(...)
  if take(...) then active[#active + 1] = (...) end
end

local function takeFromWait(count)
  if count == 1 then
    -- One command instead of two. With full memory Redis refuses it as a first write, but not RPOP below.
    local id = redis.pcall('LMOVE', send .. 'wait', send .. 'active', 'RIGHT', 'LEFT')
    if type(id) == 'string' and not take(id) then redis.call('LREM', send .. 'active', 1, id) end
    if type(id) ~= 'table' then return end
  end
  if count <= 0 then return end
  for _, id in ipairs(redis.pcall('RPOP', send .. 'wait', count) or {}) do takeIntoActive(id) end
end

local function takeHeads(count)
  if count <= 0 then return end
  local turn = nextTurn(root)
  for _, head in ipairs(releaseHeads(root, count, redisNowMs())) do takeIntoActive(head[1], turn, head[2]) end
end

-- Notes that a head is released. Returns whether it is.
local function release(root, id, turn, laneOfHead)
  if not isJobId(id) then return takeAway(root, id, laneOfHead) end
  local lane, place = fieldsOf(send .. id, 'lane', 'place')
  if not lane then return takeAway(root, id, laneOfHead) end
  if not isItsTurn(root, id, laneOfHead, lane, place) then return false end
  redis.call('HSET', send .. id, 'place', 'released', 'turn', turn)
  return true
end

-- Releases heads for slots that lie ahead. With a page limit none is released ahead: that limit is checked when a message leaves.
local function releaseAhead(fleet, count)
  if fleet.pageIntervalMs > 0 then return isAnyoneReady() and math.min(count, 1) or 0 end
  local waiting = tonumber(redis.pcall('LLEN', send .. 'wait')) or 0
  if waiting >= count then return count end
  local turn, ids = nextTurn(root), {}
  for _, head in ipairs(releaseHeads(root, count - waiting, redisNowMs())) do
    if alone(release, root, head[1], turn, head[2]) == true then ids[#ids + 1] = head[1] end
  end
  if #ids > 0 then redis.pcall('LPUSH', send .. 'wait', unpack(ids)) end
  return waiting + #ids
end

-- Reserves slots and takes messages for those that are due. Returns the ms until each of the others.
local function reserveAhead(fleet, now)
  local places = most - #taken
  local slots = reserveSlots(root, fleet, now, releaseAhead(fleet, countSlots(root, fleet, now, places)))
  local ahead, due = {}, 0
  for _, slot in ipairs(slots) do
    if slot <= now then due = due + 1 else ahead[#ahead + 1] = string.format('%.3f', slot - now) end
  end
  takeFromWait(due)
  takeHeads(due - #taken)
  return ahead
end

-- Returns the ms until this worker is to look again, or '' if another one looks by then.
local function commitToLook(fleet, time)
  local now = redisNowMs()
  local isOver = fleet.wakeAt <= now or (ARGV[9] == 'woken' and fleet.wakeAt <= now + 1)
  if not isOver and fleet.wakeAt <= time + 1 then return '' end
  redis.call('HSET', root .. 'fleet', 'wakeAt', string.format('%.3f', time))
  return string.format('%.3f', math.max(0, time - now))
end

local function earlier(one, other) return math.min(one or math.huge, other or math.huge) end

-- Returns a page and a lane of it whose head was never tried, if one is near. What the circuit met may be the fault of one that was.
local function findUntried()
  for _, page in ipairs(redis.pcall('ZRANGE', root .. 'turns', 0, PAGES_AT_ONCE - 1)) do
    for _, lane in ipairs(redis.pcall('ZRANGEBYSCORE', root .. 'heads:' .. page, '-inf', '(' .. READY_BELOW, 'LIMIT', 0, PAGES_AT_ONCE)) do
      local id = redis.pcall('LINDEX', root .. 'lane:' .. lane, 0)
      if type(id) == 'string' and redis.pcall('HEXISTS', send .. id, 'history') == 0 then return page, lane end
    end
  end
end

local function takeUntried()
  local page, lane = findUntried()
  if not page then return end
  writeAlthoughFull()
  local heads, turns = root .. 'heads:' .. page, root .. 'turns'
  local score, pageTurn = redis.call('ZSCORE', heads, lane), redis.call('ZSCORE', turns, page)
  local first = string.format('%d', HIGH - nextTurn(root))
  redis.call('ZADD', heads, first, lane)
  redis.call('ZADD', turns, first, page)
  takeHeads(1)
  -- If it could not go, because of a limit or a hold, it waits where it did.
  if tonumber(redis.call('ZSCORE', heads, lane) or 0) == tonumber(first) then redis.call('ZADD', heads, score, lane) end
  redis.call('ZADD', turns, 'XX', 'GT', pageTurn, page)
end

local function takeAll()
  if isProbe then
    takeUntried()
    takeFromWait(1 - #taken)
    return takeHeads(1 - #taken)
  end
  if dueSlots > 0 then
    takeFromWait(dueSlots)
    takeHeads(dueSlots - #taken)
  end
  if laterSlots > 0 then return {}, '' end

  local fleet, reserved = readFleet(root), {}
  if not fleet.intervalMs then return {}, UNKNOWN_PACE_MS end
  if fleet.intervalMs == 0 then
    takeFromWait(most - #taken)
    takeHeads(most - #taken)
  elseif dueSlots == 0 and ARGV[9] ~= 'woken' and isLookedAfter(fleet, redisNowMs()) then
    return {}, ''
  else
    if #lockKeys + dueSlots == 0 then writeAlthoughFull() end
    reserved = reserveAhead(fleet, redisNowMs())
  end
  if #reserved > 0 then return reserved, '' end

  local hasPlaces = #taken < most
  if fleet.pageIntervalMs > 0 and hasPlaces then nextTime = earlier(nextTime, firstTime(root .. 'paced')) end
  if (fleet.intervalMs > 0 or not hasPlaces) and isAnyoneReady() then
    if not hasPlaces then wakeWorker(root) else nextTime = earlier(nextTime, fleet.nextSlot) end
  end
  if not hasPlaces or not nextTime or nextTime == math.huge then return {}, '' end
  return {}, commitToLook(fleet, nextTime)
end

local slots, lookAgainMs = takeAll()
local function putIntoActive()
  local answer = redis.pcall('LPUSH', send .. 'active', unpack(active))
  if type(answer) ~= 'table' then return end
  -- Somebody else wrote something into its place. Without it, nobody would look after these messages.
  redis.call('DEL', send .. 'active')
  redis.call('LPUSH', send .. 'active', unpack(active))
end
if #active > 0 then putIntoActive() end
-- `fleetFacts` is nil if this call did not need them.
local fleet = fleetFacts or {}
return { answers, taken, slots or {}, lookAgainMs or '', tostring(fleet.intervalMs or ''), fleet.burst or 1, '', fleet.mark, fleet.time }
