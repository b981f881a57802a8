;;! gc = true
;;! banana = true
(module)
