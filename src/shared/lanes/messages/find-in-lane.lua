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

-- Members of `due` begin with a sequence number of 16 digits and a colon.
local idFrom = KEYS[1] == root .. 'due' and 18 or 1

local from = ARGV[3] == '' and 0 or placeAfter(KEYS[1], true, ARGV[3], ARGV[4])
local members = rangeOf(KEYS[1], true, from, from + LOOK_AT - 1)
local found = { '', '' }
for _, member in ipairs(members) do
  local id = string.sub(member, idFrom)
  local job = send .. id
  if isOfLane(job) and isJobId(id) then
    found[#found + 1] = id
    found[#found + 1] = timeOf(job)
  end
end
if #members == LOOK_AT then
  local last = members[LOOK_AT]
  found[1], found[2] = redis.call('ZSCORE', KEYS[1], last), string.sub(last, 1, LONGEST_MEMBER)
end
return found
