-- Put before the scripts that know of the shard's leader: the field `leader` of `fleet`, `<worker id> <until in ms>`.

local function readLease(root, now, leaseMs)
  local leader, untilMs = string.match(redis.call('HGET', root .. 'fleet', 'leader') or '', '^(%S+) (%d+)$')
  local leftMs = leader and tonumber(untilMs) - now or 0
  -- One that lasts longer than a lease can was written before Redis's clock stepped back.
  if leftMs > 0 and leftMs <= leaseMs then return leader end
end

-- Returns whether the worker leads the shard, for one lease from now; then it notes the other fields, too.
local function takeLease(root, id, now, leaseMs, ...)
  local leader = readLease(root, now, leaseMs)
  if leader and leader ~= id then return false end
  writeFirst(root, 'HSET', root .. 'fleet', 'leader', string.format('%s %d', id, now + leaseMs), ...)
  return true
end

-- What the leader notes of the time. The leader looks every second: after a longer gap Redis was away, or its clock has stepped forward.
local function timeNoted(root, now)
  if isAfterGap(readFleet(root), now) then return 'time', now, 'backAt', now end
  return 'time', now
end

local function resignLease(root, id)
  local leader = string.match(redis.call('HGET', root .. 'fleet', 'leader') or '', '^%S+')
  if leader == id then redis.call('HDEL', root .. 'fleet', 'leader') end
end
