-- Put before the scripts that end a message with a dead letter. The letter was added just before, in the same MULTI, to
-- the dead-letter queue's `waiting-children`, where nobody sees it.

-- The add may have failed though this script runs: after a SCRIPT FLUSH Redis may know only one of the two again. Nothing
-- may end then.
local function isLetterThere(root, id)
  return redis.call('EXISTS', root .. 'dead:' .. id) == 1
end

local function showLetter(root, id)
  local dead = root .. 'dead:'
  local deadAt = redisNowMs()
  redis.call('ZREM', dead .. 'waiting-children', id)
  redis.call('ZADD', dead .. 'failed', deadAt, id)
  redis.call('HSET', dead .. id, 'finishedOn', deadAt, 'failedReason', redis.call('HGET', dead .. id, 'name'))
end

-- Only a hidden one: a letter that is shown belongs to a message that has ended before.
local function dropLetter(root, id)
  local dead = root .. 'dead:'
  if redis.call('ZREM', dead .. 'waiting-children', id) == 1 then redis.call('DEL', dead .. id) end
end
