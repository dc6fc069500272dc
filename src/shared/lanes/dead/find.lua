-- dead/find
--
-- Reads dead letters from one of their indexes, ordered by time of death and id. A call looks at a thousand letters at most
-- and returns where it stopped. It writes nothing: what others have removed stays in the indexes until expire.lua cleans them.
--
-- KEYS[1] the index: `dead:failed`, or that of a reason or of a page
-- ARGV[1] root  ARGV[2] 'newest' or 'oldest': which letters come first  ARGV[3] died at this time or later, or '-inf'
-- ARGV[4] died before this time, or '+inf'  ARGV[5], ARGV[6] time of death and id of the letter to continue after, or ''
-- ARGV[7] reason, or ''  ARGV[8] page, or ''  ARGV[9] conversation, or ''  ARGV[10] most letters to find
-- ARGV[11] '1' to read the letters' data, or ''  ARGV[12] a text that the data must contain, or ''
--
-- Returns { time and id of the last letter that was looked at, or '' and '' if there are no more,
-- id, time of death, data or '', id, … }.

local root, isNewestFirst, since, before = ARGV[1], ARGV[2] == 'newest', ARGV[3], ARGV[4]
local reason, page, conversation, most = ARGV[7], ARGV[8], ARGV[9], tonumber(ARGV[10])
local LOOK_AT, MAX_BYTES = 1000, 1048576
local failed = root .. 'dead:failed'

local function range(from, to, ...)
  return rangeOf(KEYS[1], isNewestFirst, from, to, ...)
end

local function firstPlace()
  if isNewestFirst then return before == '+inf' and 0 or redis.call('ZCOUNT', KEYS[1], before, '+inf') end
  return since == '-inf' and 0 or countBefore(KEYS[1], isNewestFirst, since)
end

local from = firstPlace()
if ARGV[5] ~= '' then from = math.max(from, placeAfter(KEYS[1], isNewestFirst, ARGV[5], ARGV[6])) end
local earliest, latest = tonumber(since) or -math.huge, tonumber(before) or math.huge

local function isWanted(id)
  if reason == '' and page == '' and conversation == '' then return true end
  local itsReason, lane = placeOf(root, id)
  if not lane then return false end
  local itsPage, itsConversation = string.match(lane, '^([^/]+)/(.*)$')
  return (reason == '' or reason == itsReason) and (page == '' or page == itsPage)
    and (conversation == '' or conversation == itsConversation)
end

-- Longer than any letter. Others can write to Redis, too: what is longer is not read, as if it made no sense.
local LONGEST_LETTER = 262144
local function dataOf(key)
  if redis.call('HSTRLEN', key, 'data') > LONGEST_LETTER then return '' end
  return redis.call('HGET', key, 'data')
end

-- Returns the letter's data, or '' if no data is wanted; nothing if the data lacks the text, or if others removed the letter.
local function read(id)
  if redis.call('ZSCORE', failed, id) then
    if ARGV[11] == '' and redis.call('EXISTS', root .. 'dead:' .. id) == 1 then return '' end
    local data = dataOf(root .. 'dead:' .. id)
    if data then return string.find(data, ARGV[12], 1, true) and data end
  end
end

local found, bytes = { '', '' }, 0
local entries = range(from, from + LOOK_AT - 1, 'WITHSCORES')
for i = 1, #entries, 2 do
  local id, time = entries[i], entries[i + 1]
  local isPast = tonumber(time) < earliest or tonumber(time) >= latest
  if isPast then
    found[1], found[2] = '', ''
    return found
  end
  found[1], found[2] = time, id
  local data = isWanted(id) and read(id)
  if data then
    for _, value in ipairs({ id, time, data }) do table.insert(found, value) end
    bytes = bytes + #data
  end
  if #found - 2 >= 3 * most or bytes > MAX_BYTES then return found end
end
if #entries < 2 * LOOK_AT then found[1], found[2] = '', '' end
return found
