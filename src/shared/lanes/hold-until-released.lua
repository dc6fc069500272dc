-- Begins or ends a hold that lasts until an operator ends it.
--
-- KEYS[1] the hash of holds
-- ARGV[1] root  ARGV[2] '*', a page, or a lane  ARGV[3] what `status` shows of it, as JSON, or '' to end the hold
--
-- Returns 1 if this changed anything.

local root, what = ARGV[1], ARGV[2]
local field = 'standing:' .. what
if ARGV[3] ~= '' then return redis.call('HSETNX', KEYS[1], field, ARGV[3]) end
if redis.call('HDEL', KEYS[1], field) == 0 then return 0 end

local function goOn(page)
  redis.call('SREM', root .. 'asleep', page)
  enterPages(root, page)
  releaseReady(root, page)
  leavePages(root, page)
end

if what == '*' then
  for _, page in ipairs(redis.call('SUNION', root .. 'pages', root .. 'asleep')) do goOn(page) end
elseif not string.find(what, '/', 1, true) then
  goOn(what)
else
  letLaneGoOn(root, what)
end
return 1
