-- lib/positions
--
-- Put before the scripts that read a sorted set piece by piece, ordered by score and member. The place where a piece ended is named by its
-- last entry, so changes in between shift nothing.

local function rangeOf(key, isNewestFirst, from, to, ...)
  return redis.call(isNewestFirst and 'ZREVRANGE' or 'ZRANGE', key, from, to, ...)
end

-- Number of entries that come before all those with this score.
local function countBefore(key, isNewestFirst, score)
  if isNewestFirst then return redis.call('ZCOUNT', key, '(' .. score, '+inf') end
  return redis.call('ZCOUNT', key, '-inf', '(' .. score)
end

-- Index of the first entry after the last one that was seen, which may be gone by now.
local function placeAfter(key, isNewestFirst, score, member)
  local low = countBefore(key, isNewestFirst, score)
  local high = low + redis.call('ZCOUNT', key, score, score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local other = rangeOf(key, isNewestFirst, middle, middle)[1]
    local isSeen = other == member
    if not isSeen then isSeen = isNewestFirst == (other > member) end
    if isSeen then low = middle + 1 else high = middle end
  end
  return low
end
