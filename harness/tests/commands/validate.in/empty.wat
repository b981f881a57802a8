 ;; no field
