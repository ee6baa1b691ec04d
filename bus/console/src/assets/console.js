// Console.
