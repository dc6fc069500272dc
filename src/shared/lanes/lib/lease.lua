-- lib/lease
--
-- Put before the scripts that read or change the shard's leader: the field `leader` of `fleet`, `<worker id> <until in ms>`.

local function readLease(root, now, leaseMs)
  local leader, untilMs = string.match(redis.call('HGET', root .. 'fleet', 'leader') or '', '^(%S+) (%d+)$')
  local leftMs = leader and tonumber(untilMs) - now or 0
  -- A lease that lasts longer than it can was written before Redis's clock stepped back.
  if leftMs > 0 and leftMs <= leaseMs then return leader end
end

-- Takes or renews the lease for the worker and then writes the given fields, too. Returns false if another worker leads.
local function takeLease(root, id, now, leaseMs, ...)
  local leader = readLease(root, now, leaseMs)
  if leader and leader ~= id then return false end
  writeFirst('HSET', root .. 'fleet', 'leader', string.format('%s %d', id, now + leaseMs), ...)
  return true
end

-- The most that the mark grows at once, so that a step of Redis's clock moves it by less than what counts as a restore.
local MOST_COUNTED_MS = 5000

-- Returns the fields in which the leader notes the time and the mark of the timeline. It does so at least every 1.5 s: a much longer gap
-- means that Redis was away, or that its clock has stepped forward.
local function timeNoted(root, now)
  local fleet = readFleet(root)
  fleet.mark = fleet.mark + math.max(1, math.min(now - (fleet.time or now), MOST_COUNTED_MS))
  local mark = string.format('%d', fleet.mark)
  if isAfterGap(fleet, now) then return 'time', now, 'mark', mark, 'backAt', now end
  return 'time', now, 'mark', mark
end

local function resignLease(root, id)
  local leader = string.match(redis.call('HGET', root .. 'fleet', 'leader') or '', '^%S+')
  if leader == id then redis.call('HDEL', root .. 'fleet', 'leader') end
end
