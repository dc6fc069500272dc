-- Put before all scripts. Redis's own clock counts, not that of producers and workers; tests bring another file.
local timeOfCall
local function redisNowMs()
  if timeOfCall then return timeOfCall end
  local time = redis.call('TIME')
  timeOfCall = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  return timeOfCall
end
