-- lib/although-full
--
-- Put at the start of scripts that must run when Redis has no memory left. Redis then refuses a script's first write if that may take
-- memory, but neither a write that takes none, nor any write after it. The last key of each script is one that never exists.
redis.call('DEL', KEYS[#KEYS])
