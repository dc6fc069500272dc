-- Put before the scripts that release. The hash `holds` has one field for each hold:
--   standing:*  standing:<page>  standing:<lane>   of an operator or a dead letter, without an end time; the value is JSON for `status`,
--     with the id of the dead letter that the lane is held for as `letter`
--   timed:<page>                                   of an answer of the API or a missing key; the value is `<until in ms> <JSON>`

-- Mostly nothing is held, so a script asks that once, however many messages it handles.
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

-- Returns the time in ms until which the page is held, or 0 if it isn't. Deletes a hold that has run out.
local function pageHeldUntil(root, page, now)
  if isNothingHeld(root) then return 0 end
  local hold = redis.call('HGET', root .. 'holds', 'timed:' .. page)
  local heldUntil = hold and tonumber(string.match(hold, '^%d+')) or 0
  if hold and heldUntil <= now then redis.call('HDEL', root .. 'holds', 'timed:' .. page) end
  return heldUntil > now and heldUntil or 0
end
