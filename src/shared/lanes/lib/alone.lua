-- Put before the scripts that are about several messages. What Redis refuses for one of them is that one's answer:
-- { 'error', text }.

local function alone(work, ...)
  local done, answer = pcall(work, ...)
  if done then return answer end
  return { 'error', type(answer) == 'table' and answer.err or tostring(answer) }
end
