-- lib/clock
--
-- Put before all scripts. Scripts go by Redis's clock, not by those of producers and workers; tests use another file.
local timeOfCall
local function redisNowMs()
  if timeOfCall then return timeOfCall end
  local time = redis.call('TIME')
  timeOfCall = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  return timeOfCall
end
