-- lib/events
--
-- Put before the scripts that end messages. Needs places.lua before it.
--
-- The stream `events` tells what becomes of messages, in the order in which it happens. It exists as long as a group reads it, and
-- `events:content` as long as a group wants the messages' content, too. Without readers this costs one command per call.
--
-- Redis numbers the entries `0-1`, `0-2`, … without gaps, so a reader can tell how many it has missed.

local LONGEST_EVENT_WORD, LONGEST_EVENT_HISTORY, LONGEST_EVENT_DATA = 4096, 131072, 262144

local readersFound
local function isAnyoneReading(root)
  readersFound = readersFound or redis.call('EXISTS', root .. 'events', root .. 'events:content')
  return readersFound > 0
end

local function orNil(text)
  return text ~= '' and text or nil
end

-- Between the parts of an event. No text of ours contains it.
local SEPARATOR = '\31'

-- What others have written can have any size, and any characters.
local function part(most, text)
  return text and #text <= most and not string.find(text, SEPARATOR, 1, true) and text or ''
end

local function dataOf(jobKey)
  return redis.call('HSTRLEN', jobKey, 'data') <= LONGEST_EVENT_DATA and redis.call('HGET', jobKey, 'data') or ''
end

-- Ids that are not plain stand in a lane as hashes, so they are read from the request.
local function idsOf(request)
  if type(request) ~= 'table' then return end
  local page, conversation = request.pageId, request.conversationId
  return type(page) == 'string' and type(conversation) == 'string' and { page = page, conversation = conversation } or nil
end

local function idsIn(data)
  local isJson, request = pcall(cjson.decode, data)
  return isJson and idsOf(request) or nil
end

local function addEvent(root, ...)
  local answer = redis.pcall('XADD', root .. 'events', '0-*', ...)
  -- Others have added an entry with a number of its own. An end must not fail because of its event.
  if type(answer) == 'table' and answer.err then redis.pcall('XADD', root .. 'events', '*', ...) end
end

-- Notes what became of a message. known: { history, used, data } where they are not what its job says, and { since, label } of a caller that
-- has read them with `used`. more: what only some events have.
local function noteEvent(root, id, lane, kind, at, known, more)
  if not isAnyoneReading(root) then return end
  local jobKey = root .. 'send:' .. id
  local since, label, used = known.since, known.label, known.used
  if not since then
    local usedBefore
    since, label, usedBefore = fieldsOf(jobKey, 'timestamp', 'label', 'used')
    used = used or usedBefore
  end
  local history = known.history
  if not history and redis.call('HSTRLEN', jobKey, 'history') <= LONGEST_EVENT_HISTORY then history = redis.call('HGET', jobKey, 'history') end
  local isHashed, isContentWanted = string.find(lane, '~', 1, true), readersFound > 1
  if isHashed or isContentWanted then
    local data = known.data or dataOf(jobKey)
    if isHashed and not more.ids then more.ids = idsIn(data) end
    if isContentWanted then more.data = orNil(data) end
  end
  -- One text: a field for each part, or JSON, would cost Redis more when the entry is written, read and passed on.
  addEvent(root, 'event', table.concat({
    kind, id, lane, at, part(LONGEST_EVENT_WORD, since), part(LONGEST_EVENT_WORD, label), part(LONGEST_EVENT_WORD, used and tostring(used)),
    part(LONGEST_EVENT_HISTORY, history), next(more) and cjson.encode(more) or '',
  }, SEPARATOR))
end
