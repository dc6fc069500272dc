-- lib/known-ends
--
-- Put before the scripts that settle, take or clean. Needs places.lua before it.
--
-- An encrypted message that has ended must not be sent because somebody, who has no key, writes its job again. So `known-ends` holds the
-- ids of encrypted messages that were delivered or are dead, by the time after which they would be too old to be sent. Producers may not
-- write there.

-- About 12 MB of a shard. Past it, those are forgotten first that would be too old soonest.
local MOST_KNOWN_ENDS, MOST_FORGOTTEN = 100000, 10000

-- In a request whose message is encrypted. No JSON text in clear contains it, since `sealed` is no name of a field there.
local SEALED = '"sealed":"'
local function isSealedText(data)
  return string.find(data, SEALED, 1, true) ~= nil
end

-- An id names its shard. In another shard nobody would know that the message has ended.
local function isOfShard(root, id)
  local shard, prefix = string.match(root, ':(%d+)}:$'), string.match(id, '^(%w%w?)-')
  return prefix ~= nil and tonumber(prefix, 36) == tonumber(shard)
end

local function hasEnded(root, id)
  return not isOfShard(root, id) or redis.call('ZSCORE', root .. 'known-ends', id)
end

-- Collected by the settlements of a call, and written at its end with one command.
local endsToWrite = {}

-- knownUntil: when the message would be too old in any case; '' or nil for a message that is not encrypted or has not ended.
local function noteEnd(id, knownUntil)
  if not knownUntil or knownUntil == '' then return end
  endsToWrite[#endsToWrite + 1] = knownUntil
  endsToWrite[#endsToWrite + 1] = id
end

local function writeEnds(root)
  if #endsToWrite > 0 then redis.call('ZADD', root .. 'known-ends', unpack(endsToWrite)) end
end

local function forgetEnds(root, now)
  local ends = root .. 'known-ends'
  local count = redis.call('ZCARD', ends)
  if count == 0 then return end
  local old = math.max(count - MOST_KNOWN_ENDS, redis.call('ZCOUNT', ends, '-inf', now))
  if old > 0 then redis.call('ZREMRANGEBYRANK', ends, 0, math.min(old, MOST_FORGOTTEN) - 1) end
end
