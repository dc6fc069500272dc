-- stream/lease
--
-- Gives a reader the lease of a shard's events for its group, and notes what it has acknowledged. One reader at a time has the lease, so that
-- the events of a conversation stay in order. The entries themselves it reads with XRANGE: passing them on here would cost six times as much.
--
-- KEYS[1] the stream of events  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] group  ARGV[3] reader  ARGV[4] number of the lease that it knows it has; 0 for none  ARGV[5] number of a lease that
-- begins now  ARGV[6] how long the lease lasts, in ms; 0 ends it  ARGV[7] '1' if the group wants the messages' content
-- ARGV[8] what it was told or has written last as `seen`  ARGV[9] number of the last entry that it has read
-- ARGV[10] number up to which all entries are acknowledged, or '' for no change  ARGV[11] ranges of numbers that are acknowledged beyond,
-- as `7-9 12-12`
--
-- The group's cursor is a consumer group of Redis: its last id is the last entry up to which all are acknowledged. `readers` has for each
-- group `owner:<group>` (`<reader> <lease>`), `until:<group>`, `acks:<group>` (the ranges beyond the cursor) and `seen:<group>`: if it is not
-- what the reader has written last, Redis has lost writes, and so perhaps events.
--
-- Returns { 'too-old' } if this Redis can't number entries; { 'taken', ms } if another reader has the lease for so long; { 'kept', ms that the
-- lease lasts }; or for a new lease { 'new', ms that it lasts, number up to which all are acknowledged, ranges beyond }.

-- Absent before Redis 7.0.
if not redis.REDIS_VERSION_NUM then return { 'too-old' } end

local root, group, reader, leaseMs = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[6])
local events, readers, now = KEYS[1], ARGV[1] .. 'readers', redisNowMs()
local LONGEST_LEASE_MS = 60000

local function field(name) return name .. ':' .. group end

local owner, leasedUntil, seen, acks = fieldsOf(readers, field('owner'), field('until'), field('seen'), field('acks'))
leasedUntil = tonumber(leasedUntil) or 0
local isOwner = ARGV[4] ~= '0' and owner == reader .. ' ' .. ARGV[4] and seen == ARGV[8] and redis.call('EXISTS', events) == 1
local isTaken = owner and string.match(owner, '^(%S+) ') ~= reader and leasedUntil > now and leasedUntil <= now + LONGEST_LEASE_MS
if not isOwner and isTaken then return { 'taken', leasedUntil - now } end

-- Entries that others have added have numbers of their own, which count for nothing.
local function numberIn(id)
  local number = string.match(id, '^0%-(%d+)$')
  return number and #number <= 15 and number or '0'
end

local function cursor()
  for _, one in ipairs(groupsOf(events)) do
    if one.name == group then return numberIn(one['last-delivered-id']) end
  end
end

local function writeAcks(ranges)
  if ranges ~= '' then redis.call('HSET', readers, field('acks'), ranges) elseif acks then redis.call('HDEL', readers, field('acks')) end
end

if isOwner then
  if ARGV[10] ~= '' then
    redis.call('XGROUP', 'SETID', events, group, '0-' .. ARGV[10])
    writeAcks(ARGV[11])
  end
  if leaseMs == 0 then
    redis.call('HDEL', readers, field('owner'), field('until'))
    return { 'kept', 0 }
  end
  if ARGV[9] ~= seen then redis.call('HSET', readers, field('seen'), ARGV[9]) end
  if leasedUntil - now < leaseMs * 0.7 then
    leasedUntil = now + leaseMs
    redis.call('HSET', readers, field('until'), leasedUntil)
  end
  return { 'kept', leasedUntil - now }
end

if leaseMs == 0 then return { 'kept', 0 } end
if ARGV[7] == '1' then redis.call('SADD', events .. ':content', group) end
local done = cursor()
if not done then
  -- A group begins with what happens from now on.
  redis.call('XGROUP', 'CREATE', events, group, '$', 'MKSTREAM')
  done = cursor()
  writeAcks('')
  acks = false
end
redis.call('HSET', readers, field('owner'), reader .. ' ' .. ARGV[5], field('until'), now + leaseMs, field('seen'), done)
return { 'new', leaseMs, done, acks or '' }
