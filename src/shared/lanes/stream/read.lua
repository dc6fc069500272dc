-- stream/read
--
-- Hands a group's next events to a reader, and notes what it has acknowledged. One reader at a time reads a shard for a group, as long as
-- its lease lasts, so that the events of a conversation stay in order.
--
-- KEYS[1] the stream of events  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] group  ARGV[3] reader  ARGV[4] number of the lease that it knows it has  ARGV[5] number of a lease that begins now
-- ARGV[6] how long its lease lasts, in ms; 0 ends it  ARGV[7] most events to hand out  ARGV[8] id of the last entry that it was handed
-- under its lease  ARGV[9] '1' if the group wants the messages' content  ARGV[10] how many lost events it has told under its lease, with
-- those that were told before  ARGV[11]… ids of entries that were acknowledged under its lease
--
-- `readers` has for each group `owner:<group>` (`<reader>:<lease>`), `until:<group>`, `seen:<group>` (the id of the last entry that was
-- handed out), `lost:<group>` (how many were removed before they were handed out or acknowledged) and `told:<group>` (how many of those
-- were acknowledged). A reader may have missed answers, so it says where it stands, and repeated calls change nothing.
--
-- Returns { 'too-old' } if this Redis can't number entries; { 'taken', ms } if another reader has the shard for so long, or { 'read', number of the lease, ms that it lasts, id of the last
-- entry that was handed out, '1' if there may be more, lost, told, { { id, fields }, … } }. Under a new lease, the entries that an earlier
-- reader had come first.

-- Absent before Redis 7.0.
if not redis.REDIS_VERSION_NUM then return { 'too-old' } end

local root, group, reader = ARGV[1], ARGV[2], ARGV[3]
local leaseMs, most, told = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[10])
local events, readers = KEYS[1], root .. 'readers'
local now = redisNowMs()
local LONGEST_LEASE_MS, ACKED_AT_ONCE, FIRST_ACK, START = 60000, 500, 11, '0-0'
-- Above it, the number is not one of ours.
local MOST_NUMBERS = 1e15

local function field(name) return name .. ':' .. group end

-- The number of an entry: nothing for entries that others have added.
local function numberOfEntry(id)
  local number = tonumber(string.match(id, '^0%-(%d+)$'))
  return number and number < MOST_NUMBERS and number or nil
end

local function countOf(text)
  local count = tonumber(text) or 0
  return count >= 0 and count < MOST_NUMBERS and count or 0
end

local owner, leasedUntil, seen, lost, toldBefore =
  fieldsOf(readers, field('owner'), field('until'), field('seen'), field('lost'), field('told'))
leasedUntil, lost, toldBefore = tonumber(leasedUntil) or 0, countOf(lost), countOf(toldBefore)
if seen and not string.find(seen, '^%d+%-%d+$') then seen = nil end

-- A reader that was handed more than Redis knows read from a Redis that has lost its last writes since.
local function isAhead()
  local has, given = numberOfEntry(ARGV[8]), numberOfEntry(seen or START)
  return has and given and has > given
end

local isCurrent = owner == reader .. ':' .. ARGV[4] and not isAhead()
local isOwn = owner and string.sub(owner, 1, #reader + 1) == reader .. ':'
if not isOwn and leasedUntil > now and leasedUntil <= now + LONGEST_LEASE_MS then return { 'taken', leasedUntil - now } end

if isCurrent then
  for from = FIRST_ACK, #ARGV, ACKED_AT_ONCE do
    redis.pcall('XACK', events, group, unpack(ARGV, from, math.min(#ARGV, from + ACKED_AT_ONCE - 1)))
  end
  if told > toldBefore and told <= lost then
    toldBefore = told
    redis.call('HSET', readers, field('told'), told)
  end
end

if leaseMs == 0 then
  redis.call('HDEL', readers, field('owner'), field('until'))
  return { 'read', ARGV[4], 0, ARGV[8], '', lost, toldBefore, {} }
end

local function noteLost(count)
  lost = lost + count
  redis.call('HSET', readers, field('lost'), lost)
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
  local seenNumber = seen and numberOfEntry(seen)
  if not isThere or last and seenNumber and seenNumber > last then seen = nil end
  local made = redis.pcall('XGROUP', 'CREATE', events, group, seen or '$', 'MKSTREAM')
  if type(made) == 'table' and made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then error(made) end
  if seen then return end
  for _, answer in ipairs(redis.call('XINFO', 'GROUPS', events)) do
    local facts = factsOf(answer)
    if facts.name == group then seen = facts['last-delivered-id'] end
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
  if #entries == 0 then return end
  local last, before = numberOfEntry(entries[#entries][1]), numberOfEntry(seen or '')
  local missed = last and before and last - before - #entries or 0
  if missed > 0 then noteLost(missed) end
  seen = entries[#entries][1]
  redis.call('HSET', readers, field('seen'), seen)
end

local lease = ARGV[4]
if not isCurrent then
  lease = ARGV[5]
  if ARGV[9] == '1' then redis.call('SADD', events .. ':content', group) end
  makeGroup()
end
if not isCurrent or leasedUntil - now < leaseMs * 0.7 then
  leasedUntil = now + leaseMs
  redis.call('HSET', readers, field('owner'), reader .. ':' .. lease, field('until'), leasedUntil)
end

local position, entries, isMore = isCurrent and ARGV[8] or START, {}, false
if most > 0 and position == seen then
  entries = readFrom('>')
  noteSeen(entries)
  position, isMore = seen, #entries == most
elseif most > 0 then
  local handedOut = readFrom(position)
  position = #handedOut == most and handedOut[most][1] or seen
  entries, isMore = withoutRemoved(handedOut), true
end
return { 'read', lease, leasedUntil - now, position, isMore and '1' or '', lost, toldBefore, entries }
