-- lib/holds
--
-- Put before the scripts that release. The hash `holds` has one field for each hold:
--   standing:*  standing:<page>  standing:<lane>   of an operator or a dead letter, without an end time; the value is JSON for `status`,
--     with the id of the dead letter that the lane is held for as `letter`

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
