-- lib/come-back
--
-- Put before the scripts that bring back what is due. Needs places.lua before it.

local AT_ONCE = 200

local function dueMembers(key, now)
  return redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, AT_ONCE)
end

-- Each takes what is due out of its set before anything else: what others have written there is looked at once. When a message may go on
-- is in its job: others can write other times into the sets.

-- Gives a page its turn whose wait is over.
local function endPageWait(root, page)
  redis.call('ZREM', root .. 'paced', page)
  takeTurn(root, page, nextTurn(root))
end

-- Makes a message ready whose put-off is over.
local function endWait(root, id)
  redis.call('ZREM', root .. 'send:delayed', id)
  local lane, place, why, nextAt = fieldsOf(root .. 'send:' .. id, 'lane', 'place', 'why', 'next')
  local time = place == 'put-off' and numberOf(nextAt) or 0
  if time > redisNowMs() then return redis.call('ZADD', root .. 'send:delayed', time, id) end
  endPutOff(root, id, why)
  if lane and isLane(lane) and place == 'put-off' then comeFirst(root, lane, id) end
end

-- Moves a scheduled message to its lane.
local function joinDue(root, member)
  redis.call('ZREM', root .. 'due', member)
  local id = string.match(member, ':(.*)$')
  if not id then return end
  local lane, place, isHigh, due, seq = fieldsOf(root .. 'send:' .. id, 'lane', 'place', 'high', 'due', 'seq')
  if lane and isLane(lane) and place == 'scheduled' then
    local time = numberOf(due) or 0
    if time > redisNowMs() then return redis.call('ZADD', root .. 'due', time, string.format('%016d:%s', numberOf(seq) or 0, id)) end
    redis.call('HDEL', root .. 'send:' .. id, 'place')
    joinLane(root, lane, id, isHigh)
  end
end

local function firstTime(key)
  return tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
end

-- Scheduled messages join in the order of their due times, and in the order of storing if those are equal.
local function bringBackFrom(root, key, now, work)
  local first = firstTime(key)
  if first and first <= now then
    for _, member in ipairs(dueMembers(key, now)) do alone(work, root, member) end
    first = firstTime(key)
  end
  return first
end

-- Brings back what is due: paced pages, put-off messages, scheduled messages. Returns the next time at which one is due, if any.
local function bringBack(root, now)
  local nextTime
  for _, wait in ipairs({ { 'paced', endPageWait }, { 'send:delayed', endWait }, { 'due', joinDue } }) do
    local first = alone(bringBackFrom, root, root .. wait[1], now, wait[2])
    if type(first) == 'number' and first < (nextTime or math.huge) then nextTime = first end
  end
  return nextTime
end
