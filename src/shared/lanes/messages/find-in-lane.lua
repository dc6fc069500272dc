-- messages/find-in-lane
--
-- Finds the messages of one conversation in a sorted set of the shard's messages, from the highest score down. A call looks at a thousand
-- entries at most and returns where it stopped. It writes nothing.
--
-- KEYS[1] `due` or `send:completed`  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] lane  ARGV[3], ARGV[4] score and member of the entry to continue after, or ''
--
-- Returns { score and member of the last entry that was looked at, or '' and '' if there are no more, id, when it was stored, id, … }.

local root, lane = ARGV[1], ARGV[2]
local LOOK_AT, LONGEST_MEMBER, LONGEST_TIME = 1000, 512, 20
local send = root .. 'send:'

-- Others can write to Redis, too: a longer text is not read.
local function isOfLane(job)
  return redis.pcall('HSTRLEN', job, 'lane') == #lane and redis.call('HGET', job, 'lane') == lane
end

local function timeOf(job)
  return redis.call('HSTRLEN', job, 'timestamp') <= LONGEST_TIME and redis.call('HGET', job, 'timestamp') or '0'
end

local function isSet()
  local count = redis.pcall('ZCARD', KEYS[1])
  if type(count) == 'number' then return true end
  if string.find(count.err, 'WRONGTYPE', 1, true) then return false end
  error(count)
end
if not isSet() then return { '', '' } end

local from = ARGV[3] == '' and 0 or placeAfter(KEYS[1], true, ARGV[3], ARGV[4])
local entries = rangeOf(KEYS[1], true, from, from + LOOK_AT - 1, 'WITHSCORES')
local found = { '', '' }
for i = 1, #entries, 2 do
  local id = string.match(entries[i], '[^:]*$')
  if isJobId(id) and isOfLane(send .. id) then
    found[#found + 1] = id
    found[#found + 1] = timeOf(send .. id)
  end
end
if #entries == 2 * LOOK_AT then
  found[1], found[2] = entries[#entries], string.sub(entries[#entries - 1], 1, LONGEST_MEMBER)
end
return found
