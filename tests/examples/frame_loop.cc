// SPDX-License-Identifier: MIT
//
// The main loop of a game without a screen: bodies move, meet in cells of a grid, bounce, end and
// are replaced; what is in view is sorted and drawn.
//
// With malloc a body is a struct in a std::vector, and a frame's lists are vectors of their own.
// With the library the bodies are columns of a Soa, so that a step reads only what it needs, and
// the lists lie in a frame, whose end costs nothing.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <random>
#include <utility>
#include <vector>

#include <tarn/frame_allocator.h>
#include <tarn/soa.h>

#include "tests/examples/compare.h"

namespace {

constexpr std::size_t kBodies = 4000;
constexpr int kFrames = 150;
constexpr float kWidth = 256;
constexpr std::size_t kCells = 64; // in a row
constexpr float kStep = 1.0F / 60;

struct Vector2 {
    float x, y;
};

/// What is drawn, and no step but the last one reads.
struct Look {
    std::uint32_t mesh;
    std::uint32_t material;
    float transform[12];
    float colour[4];
};

// --- the two worlds
// -------------------------------------------------------------------------------

class StructWorld {
public:
    StructWorld() { bodies_.reserve(kBodies); }

    std::size_t size() const { return bodies_.size(); }
    Vector2& place(std::size_t i) { return bodies_[i].place; }
    Vector2& speed(std::size_t i) { return bodies_[i].speed; }
    float& life(std::size_t i) { return bodies_[i].life; }
    Look& look(std::size_t i) { return bodies_[i].look; }

    void add(Vector2 place, Vector2 speed, float life, const Look& look)
    {
        bodies_.push_back({place, speed, life, look});
    }
    void remove(std::size_t i)
    {
        bodies_[i] = bodies_.back();
        bodies_.pop_back();
    }

private:
    struct Body {
        Vector2 place;
        Vector2 speed;
        float life;
        Look look;
    };
    std::vector<Body> bodies_;
};

class ColumnWorld {
public:
    explicit ColumnWorld(std::pmr::memory_resource& resource) : bodies_(resource, kBodies) {}

    std::size_t size() const { return bodies_.size(); }
    Vector2& place(std::size_t i) { return bodies_.column<0>()[i]; }
    Vector2& speed(std::size_t i) { return bodies_.column<1>()[i]; }
    float& life(std::size_t i) { return bodies_.column<2>()[i]; }
    Look& look(std::size_t i) { return bodies_.column<3>()[i]; }

    void add(Vector2 place, Vector2 speed, float life, const Look& look)
    {
        static_cast<void>(bodies_.push_back(place, speed, life, look)); // there is room for all
    }
    void remove(std::size_t i) { bodies_.swap_remove(i); }

private:
    tarn::Soa<Vector2, Vector2, float, Look> bodies_;
};

// --- a frame: the same steps for both
// -------------------------------------------------------------

struct Contact {
    std::size_t first, second;
};

struct Draw {
    std::uint32_t material;
    std::size_t body;
};

template <class World, class Allocator> class Frame {
    template <class T>
    using Rebound = typename std::allocator_traits<Allocator>::template rebind_alloc<T>;
    template <class T> using List = std::vector<T, Rebound<T>>;

public:
    Frame(World& world, std::mt19937& random, Allocator allocator)
        : world_(world), random_(random), allocator_(allocator)
    {}

    /// Returns a number that depends on everything.
    double run()
    {
        replace_ended();
        move();
        for (const Contact& contact : contacts())
            std::swap(world_.speed(contact.first), world_.speed(contact.second));
        return draw();
    }

private:
    float any(float least, float most)
    {
        return least + (most - least) * static_cast<float>(random_() % 65536) / 65536;
    }

    void replace_ended()
    {
        for (std::size_t i = 0; i < world_.size();)
            if (world_.life(i) <= 0)
                world_.remove(i);
            else
                ++i;
        while (world_.size() < kBodies) {
            const Vector2 place = {any(0, kWidth), any(0, kWidth)};
            const Vector2 speed = {any(-20, 20), any(-20, 20)};
            const std::uint32_t mesh = random_() % 50;
            world_.add(place, speed, any(0.1F, 3), {mesh, mesh % 7, {place.x}, {place.y}});
        }
    }

    void move()
    {
        for (std::size_t i = 0; i < world_.size(); ++i) {
            Vector2& place = world_.place(i);
            const Vector2 speed = world_.speed(i);
            place.x = wrapped(place.x + speed.x * kStep);
            place.y = wrapped(place.y + speed.y * kStep);
            world_.life(i) -= kStep;
        }
    }
    static float wrapped(float x) { return x < 0 ? x + kWidth : x >= kWidth ? x - kWidth : x; }

    /// Of bodies in the same cell of the grid.
    List<Contact> contacts()
    {
        List<List<std::size_t>> cells(kCells * kCells, List<std::size_t>(allocator_), allocator_);
        for (std::size_t i = 0; i < world_.size(); ++i) {
            const auto [x, y] = world_.place(i);
            cells[row_of(y) * kCells + row_of(x)].push_back(i);
        }
        List<Contact> contacts(allocator_);
        for (const List<std::size_t>& cell : cells)
            for (std::size_t i = 0; i < cell.size(); ++i)
                for (std::size_t j = i + 1; j < cell.size(); ++j)
                    if (touch(cell[i], cell[j])) contacts.push_back({cell[i], cell[j]});
        return contacts;
    }
    static std::size_t row_of(float x)
    {
        return std::min(static_cast<std::size_t>(x * kCells / kWidth), kCells - 1);
    }
    bool touch(std::size_t first, std::size_t second)
    {
        const float x = world_.place(first).x - world_.place(second).x;
        const float y = world_.place(first).y - world_.place(second).y;
        return x * x + y * y < 1;
    }

    /// By material, as a graphics card likes it.
    double draw()
    {
        List<Draw> draws(allocator_);
        for (std::size_t i = 0; i < world_.size(); ++i)
            if (world_.place(i).x < kWidth / 4 && world_.place(i).y < kWidth / 4)
                draws.push_back({world_.look(i).material, i});
        std::ranges::sort(draws, {},
                          [](const Draw& draw) { return std::pair(draw.material, draw.body); });
        double seen = 0;
        for (const Draw& draw : draws)
            seen = seen * 0.99 + world_.place(draw.body).x + world_.look(draw.body).colour[0];
        return seen;
    }

    World& world_;
    std::mt19937& random_;
    Allocator allocator_;
};

} // namespace

int main()
{
    tarn::FrameAllocator frames;
    return example::compare(
        "frame_loop", "FrameAllocator and Soa",
        [] {
            StructWorld world;
            std::mt19937 random; // the same numbers in both
            double seen = 0;
            for (int i = 0; i < kFrames; ++i)
                seen += Frame(world, random, std::allocator<char>()).run();
            return seen;
        },
        [&] {
            ColumnWorld world(*tarn::malloc_resource());
            std::mt19937 random; // the same numbers in both
            double seen = 0;
            for (int i = 0; i < kFrames; ++i) {
                const tarn::Frame frame(frames);
                seen += Frame(world, random, std::pmr::polymorphic_allocator<char>(&frame.arena()))
                            .run();
            }
            return seen;
        });
}
