-- stream/read
--
-- Hands a group's next events to a reader, and notes what it has acknowledged. One reader at a time reads a shard for a group, as long as
-- its lease lasts, so that the events of a conversation stay in order.
--
-- KEYS[1] the stream of events  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] group  ARGV[3] reader  ARGV[4] how long its lease lasts, in ms; 0 ends it  ARGV[5] most events to hand out
-- ARGV[6] '>' for new events, or the id of an entry after which those follow that were handed out and not acknowledged
-- ARGV[7] '1' if the group wants the messages' content  ARGV[8] number of lost events that were acknowledged
-- ARGV[9]… ids of entries that were acknowledged
--
-- `readers` has for each group `owner:<group>`, `until:<group>`, `seen:<group>` (the number of the last entry that was handed out) and
-- `lost:<group>` (how many were removed before they were handed out or acknowledged).
--
-- Returns { 'too-old' } if this Redis can't number entries; { 'taken', ms } if another reader has the shard for so long, or { 'read', '1' if the lease is new: then the entries are those
-- that an earlier reader had, number of lost events, { { id, fields }, … } }.

-- Absent before Redis 7.0.
if not redis.REDIS_VERSION_NUM then return { 'too-old' } end

local root, group, reader, leaseMs, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local events, readers = KEYS[1], root .. 'readers'
local now = redisNowMs()
local LONGEST_LEASE_MS, ACKED_AT_ONCE = 60000, 500
-- Above it, the number is not one of ours.
local MOST_NUMBERS = 1e15

local function field(name) return name .. ':' .. group end

local owner, leasedUntil, seen, lost = fieldsOf(readers, field('owner'), field('until'), field('seen'), field('lost'))
leasedUntil, lost = tonumber(leasedUntil) or 0, math.max(0, tonumber(lost) or 0)

for from = 9, #ARGV, ACKED_AT_ONCE do
  redis.pcall('XACK', events, group, unpack(ARGV, from, math.min(#ARGV, from + ACKED_AT_ONCE - 1)))
end

local isOwner = owner == reader
if not isOwner and leasedUntil > now and leasedUntil <= now + LONGEST_LEASE_MS then return { 'taken', leasedUntil - now } end

local function noteLost(count)
  lost = lost + count
  if lost > 0 then redis.call('HSET', readers, field('lost'), lost) else redis.call('HDEL', readers, field('lost')) end
end

local told = tonumber(ARGV[8])
if told > 0 then noteLost(-math.min(told, lost)) end

if leaseMs == 0 then
  redis.call('HDEL', readers, field('owner'), field('until'))
  return { 'read', '', lost, {} }
end

-- The number of an entry: nothing for entries that others have added.
local function numberOfEntry(id)
  local number = tonumber(string.match(id, '^0%-(%d+)$'))
  return number and number < MOST_NUMBERS and number or nil
end

local function factsOf(answer)
  local facts = {}
  for i = 1, #answer, 2 do facts[answer[i]] = answer[i + 1] end
  return facts
end

-- A group begins with what happens from now on; one whose stream was deleted begins again.
local function makeGroup()
  local isThere = redis.call('EXISTS', events) == 1
  local last = isThere and numberOfEntry(factsOf(redis.call('XINFO', 'STREAM', events))['last-generated-id'])
  if not isThere or last and tonumber(seen) and tonumber(seen) > last then seen = nil end
  local made = redis.pcall('XGROUP', 'CREATE', events, group, seen and '0-' .. seen or '$', 'MKSTREAM')
  if type(made) == 'table' and made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then error(made) end
  if seen then return end
  for _, answer in ipairs(redis.call('XINFO', 'GROUPS', events)) do
    local facts = factsOf(answer)
    if facts.name == group then seen = numberOfEntry(facts['last-delivered-id']) or 0 end
  end
  redis.call('HSET', readers, field('seen'), seen)
end

local function readFrom(from)
  local answer = redis.pcall('XREADGROUP', 'GROUP', group, 'reader', 'COUNT', most, 'STREAMS', events, from)
  if type(answer) == 'table' and answer.err then
    if not string.find(answer.err, 'NOGROUP', 1, true) then error(answer) end
    makeGroup()
    answer = redis.call('XREADGROUP', 'GROUP', group, 'reader', 'COUNT', most, 'STREAMS', events, from)
  end
  return answer and answer[1] and answer[1][2] or {}
end

-- Entries that were handed out, not acknowledged, and removed since.
local function withoutRemoved(entries)
  local left, removed = {}, {}
  for _, entry in ipairs(entries) do
    if entry[2] then left[#left + 1] = entry else removed[#removed + 1] = entry[1] end
  end
  if #removed > 0 then
    redis.call('XACK', events, group, unpack(removed))
    noteLost(#removed)
  end
  return left
end

local function noteSeen(entries)
  local last = #entries > 0 and numberOfEntry(entries[#entries][1])
  if not last then return end
  local missed = last - (tonumber(seen) or last - #entries) - #entries
  if missed > 0 then noteLost(missed) end
  redis.call('HSET', readers, field('seen'), last)
end

if not isOwner then
  if ARGV[7] == '1' then redis.call('SADD', events .. ':content', group) end
  makeGroup()
end
if not isOwner or leasedUntil - now < leaseMs * 0.7 then
  redis.call('HSET', readers, field('owner'), reader, field('until'), now + leaseMs)
end

local from, entries = isOwner and ARGV[6] or '0', {}
if most > 0 then
  entries = readFrom(from)
  if from == '>' then noteSeen(entries) else entries = withoutRemoved(entries) end
end
return { 'read', isOwner and '' or '1', lost, entries }
