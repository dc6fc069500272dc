-- Put before all scripts. Redis's own clock counts, not that of producers and workers; tests bring another file.
local function redisNowMs()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
