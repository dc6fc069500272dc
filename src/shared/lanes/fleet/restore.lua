-- fleet/restore
--
-- Put before beat.lua. Notices that Redis has gone back to an earlier state, as after a restore of a backup, when what was sent since
-- would be sent again. Needs places.lua and timeline.lua before it.

-- How long Redis and all workers must have been away before a worker that remembers nothing suspects a restore.
local SUSPECTED_AFTER_MS = 60000

-- Counts the messages that were stored, or due, at the given time and have not ended: those that may have been sent since.
local function countOpenAt(root, time)
  local send = root .. 'send:'
  return redis.call('ZCOUNT', send .. 'waiting-children', '-inf', time) + redis.call('LLEN', send .. 'wait')
    + redis.call('LLEN', send .. 'active') + redis.call('ZCARD', send .. 'delayed')
end

local function startedAt(now)
  return now - tonumber(string.match(redis.call('INFO', 'server'), 'uptime_in_seconds:(%d+)')) * 1000
end

-- Nobody here remembers a later state. A restore is possible if workers were alive when the leader last noted the time, none of them left,
-- and Redis was started since.
local function suspect(root, fleet, now)
  if not fleet.time or now - fleet.time <= SUSPECTED_AFTER_MS then return end
  if redis.call('HLEN', root .. 'workers') == 0 then return end
  local started = startedAt(now)
  if started <= fleet.time then return end
  local messages = countOpenAt(root, started)
  if messages > 0 then return { kind = 'suspected', backTo = fleet.time, messages = messages } end
end

local function compare(root, fleet, seen)
  local lostMs = seen.mark - fleet.mark
  if lostMs <= 0 then return end
  if lostMs > LOST_AT_MOST_MS then
    return { kind = 'restored', backTo = fleet.time, seenAt = seen.at, messages = countOpenAt(root, seen.at) }
  end
  fleet.mark = seen.mark
  redis.call('HSET', root .. 'fleet', 'mark', string.format('%d', seen.mark))
  redis.call('HINCRBY', root .. 'repairs', 'lost-writes', 1)
  return { kind = 'lost-writes', lostMs = lostMs }
end

local function beginTimeline(root, fleet, name)
  fleet.timeline = name
  redis.call('HSET', root .. 'fleet', 'timeline', name)
end

-- Compares the state of Redis with what the worker remembers, and holds everything after a restore until an operator has decided.
-- `marks`: `{ mark, at }` by timeline. `holdsSuspected`: whether to hold also if a restore is only possible. `name`: of a new timeline.
-- Returns what was noticed, or nil.
local function noticeRestore(root, marks, holdsSuspected, name, now)
  local fleet = readFleet(root)
  local seen = fleet.timeline and marks[fleet.timeline]
  local notice
  if seen then notice = compare(root, fleet, seen) else notice = suspect(root, fleet, now) end
  if not fleet.timeline then beginTimeline(root, fleet, name) end
  if not notice or notice.kind == 'lost-writes' then return notice end
  notice.isHeld = notice.messages > 0 and (notice.kind == 'restored' or holdsSuspected)
  notice.since = now
  if notice.isHeld then
    setHold(root, 'standing:*', cjson.encode({ reason = 'restored', restore = notice }))
    takeBackReleased(root, function() return true end)
  elseif notice.kind == 'suspected' then
    redis.call('HSET', root .. 'fleet', 'suspected', cjson.encode(notice))
  end
  -- On the new timeline nobody remembers a later state, so what is released stays released.
  if notice.isHeld or notice.kind == 'restored' then beginTimeline(root, fleet, name) end
  return notice
end
