await Bulkhead.main()
