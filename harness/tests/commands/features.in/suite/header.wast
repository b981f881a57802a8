;;! threads = true
;;! hogs_memory = true
(module (memory 1 1 shared))
