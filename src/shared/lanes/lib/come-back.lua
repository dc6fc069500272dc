-- lib/come-back
--
-- Put before the scripts that bring back what is due. Needs places.lua before it.

local AT_ONCE = 200

local function dueMembers(key, now)
  return redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, AT_ONCE)
end

-- Makes messages ready whose put-off is over, and gives pages their turn whose wait is over.
local function endWaits(root, now)
  for _, page in ipairs(dueMembers(root .. 'paced', now)) do
    redis.call('ZREM', root .. 'paced', page)
    takeTurn(root, page, nextTurn(root))
  end
  for _, id in ipairs(dueMembers(root .. 'send:delayed', now)) do
    local lane, place, why = fieldsOf(root .. 'send:' .. id, 'lane', 'place', 'why')
    endPutOff(root, id, why)
    if lane and place == 'put-off' then comeFirst(root, lane, id) end
  end
end

-- Moves scheduled messages that are due to their lanes, in the order of their due times, and in the order of storing if those are equal.
local function joinDue(root, now)
  for _, member in ipairs(dueMembers(root .. 'due', now)) do
    redis.call('ZREM', root .. 'due', member)
    local id = string.match(member, ':(.*)$')
    local lane, place, isHigh = fieldsOf(root .. 'send:' .. id, 'lane', 'place', 'high')
    if lane and place == 'scheduled' then
      redis.call('HDEL', root .. 'send:' .. id, 'place')
      joinLane(root, lane, id, isHigh)
    end
  end
end

local function firstTime(key)
  return tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
end

-- Brings back what is due: paced pages, put-off messages, scheduled messages. Returns the next time at which one is due, if any.
local function bringBack(root, now)
  local nextTime
  for _, wait in ipairs({ { 'paced', endWaits }, { 'send:delayed', endWaits }, { 'due', joinDue } }) do
    local key, work = root .. wait[1], wait[2]
    local first = firstTime(key)
    if first and first <= now then
      work(root, now)
      first = firstTime(key)
    end
    if first and first < (nextTime or math.huge) then nextTime = first end
  end
  return nextTime
end
