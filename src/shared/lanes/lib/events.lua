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

-- What others have written can have any size.
local function within(most, text)
  return text and #text <= most and text or ''
end

local function dataOf(jobKey)
  return redis.call('HSTRLEN', jobKey, 'data') <= LONGEST_EVENT_DATA and redis.call('HGET', jobKey, 'data') or ''
end

-- Ids that are not plain stand in a lane as hashes, so they are read from the request.
local function idsIn(data)
  local isJson, request = pcall(cjson.decode, data)
  if not isJson or type(request) ~= 'table' then return end
  return { page = request.pageId, conversation = request.conversationId }
end

local function addEvent(root, ...)
  local answer = redis.pcall('XADD', root .. 'events', '0-*', ...)
  -- Others have added an entry with a number of its own. An end must not fail because of its event.
  if type(answer) == 'table' and answer.err then redis.pcall('XADD', root .. 'events', '*', ...) end
end

-- Notes what became of a message whose job is still there. known: { history, used, data } where they are not what the job says.
-- more: what only some events have.
local function noteEvent(root, id, lane, kind, at, known, more)
  if not isAnyoneReading(root) then return end
  local jobKey = root .. 'send:' .. id
  local since, label, used = fieldsOf(jobKey, 'timestamp', 'label', 'used')
  local history = known.history
  if not history and redis.call('HSTRLEN', jobKey, 'history') <= LONGEST_EVENT_HISTORY then history = redis.call('HGET', jobKey, 'history') end
  local isHashed, isContentWanted = string.find(lane, '~', 1, true), readersFound > 1
  if isHashed or isContentWanted then
    local data = known.data or dataOf(jobKey)
    if isHashed then more.ids = idsIn(data) end
    if isContentWanted then more.data = data end
  end
  addEvent(root, 'type', kind, 'id', id, 'lane', lane, 'at', at, 'since', within(LONGEST_EVENT_WORD, since),
    'label', within(LONGEST_EVENT_WORD, label), 'used', known.used or within(LONGEST_EVENT_WORD, used),
    'history', within(LONGEST_EVENT_HISTORY, history), 'more', next(more) and cjson.encode(more) or '')
end
