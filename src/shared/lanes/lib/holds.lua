-- Put before the scripts that release. What keeps messages back stands in the hash `holds`:
--   standing:*  standing:<page>  standing:<lane>   until an operator ends it; the value is JSON for `status`,
--     with the id of the dead letter that a lane is held for as `letter`
--   timed:<page>                                   the API asked for it; the value is `<until in ms> <JSON>`

-- Most of the time nothing is held. That is asked once, however many messages a script is about.
local isAnythingHeld
local function isNothingHeld(root)
  if isAnythingHeld == nil then isAnythingHeld = redis.call('EXISTS', root .. 'holds') == 1 end
  return not isAnythingHeld
end

local function setHold(root, field, text)
  redis.call('HSET', root .. 'holds', field, text)
  isAnythingHeld = true
end

-- Whether a hold without an end time covers the page. An operator set it.
local function isPageHeldByOperator(root, page)
  if isNothingHeld(root) then return false end
  local holds = redis.call('HMGET', root .. 'holds', 'standing:*', 'standing:' .. page)
  return holds[1] or holds[2]
end

-- Whether a hold of the lane without an end time stands. An operator or a dead letter set it.
local function isLaneHeldByOperator(root, lane)
  if isNothingHeld(root) then return false end
  return redis.call('HEXISTS', root .. 'holds', 'standing:' .. lane) == 1
end

-- Until when the page is held, in ms; 0 if it isn't. A hold that has run out is forgotten.
local function pageHeldUntil(root, page, now)
  if isNothingHeld(root) then return 0 end
  local hold = redis.call('HGET', root .. 'holds', 'timed:' .. page)
  local heldUntil = hold and tonumber(string.match(hold, '^%d+')) or 0
  if hold and heldUntil <= now then redis.call('HDEL', root .. 'holds', 'timed:' .. page) end
  return heldUntil > now and heldUntil or 0
end
