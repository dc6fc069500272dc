-- holds/hold
--
-- Begins or ends a hold that has no end time. While the hold stands, none of the messages that it covers is handed out.
--
-- KEYS[1] the hash of holds  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] '*', a page, or a lane  ARGV[3] what `status` shows of the hold, as JSON, or '' to end the hold
-- ARGV[4] where the last call stopped that ended this hold, or '0'
--
-- Returns { 1 if this call began or ended the hold, otherwise 0, where the next call continues, or '0' }. When everything is released, each
-- call lets some hundred pages go on. If there is no next call, the leader does the rest.

local root, what = ARGV[1], ARGV[2]
local field, isLane = 'standing:' .. what, string.find(what, '/', 1, true)

local function isMeant(lane) return what == '*' or lane == what or pageOf(lane) == what end

local function begin()
  if redis.call('HSETNX', KEYS[1], field, ARGV[3]) == 0 then return { 0, '0' } end
  isAnythingHeld = true
  takeBackReleased(root, isMeant)
  if isLane then holdLane(root, what) end
  return { 1, '0' }
end

-- A call that continues does not end the hold that somebody has begun since.
local function release()
  local ended, cursor = ARGV[4] == '0' and redis.call('HDEL', KEYS[1], field) or 0, '0'
  if what == '*' then
    cursor = wakeSleepers(root, ARGV[4])
  elseif ended == 1 and isLane then
    letLaneGoOn(root, what)
  elseif ended == 1 then
    goOn(root, what)
  end
  wakeForWork(root, redisNowMs())
  return { ended, cursor }
end

if ARGV[3] ~= '' then return begin() end
return release()
