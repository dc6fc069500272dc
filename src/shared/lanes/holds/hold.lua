-- holds/hold
--
-- Begins or ends a hold that has no end time. While the hold stands, none of the messages that it covers is handed out.
--
-- KEYS[1] the hash of holds  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] '*', a page, or a lane  ARGV[3] what `status` shows of the hold, as JSON, or '' to end the hold
--
-- Returns 1 if this call began or ended the hold, otherwise 0.

local root, what = ARGV[1], ARGV[2]
local field, isLane = 'standing:' .. what, string.find(what, '/', 1, true)

local function isMeant(lane) return what == '*' or lane == what or pageOf(lane) == what end

local function begin()
  if redis.call('HSETNX', KEYS[1], field, ARGV[3]) == 0 then return 0 end
  isAnythingHeld = true
  takeBackReleased(root, isMeant)
  if isLane then holdLane(root, what) end
  return 1
end

local function goOn(page)
  redis.call('SREM', root .. 'asleep', page)
  enterPages(root, page)
  if not leavePages(root, page) then takeTurn(root, page, nextTurn(root)) end
end

local function release()
  if redis.call('HDEL', KEYS[1], field) == 0 then return 0 end
  if what == '*' then
    for _, page in ipairs(redis.call('SUNION', root .. 'pages', root .. 'asleep')) do goOn(page) end
  elseif isLane then
    letLaneGoOn(root, what)
  else
    goOn(what)
  end
  wakeForWork(root, redisNowMs())
  return 1
end

if ARGV[3] ~= '' then return begin() end
return release()
